// A backup from a file: sent in slices, each with the key, because a body is read whole before its door is asked.
"use strict";

(() => {
  const element = (id) => document.getElementById(id);
  let cancelled = false;

  async function ask(path, body) {
    const key = sessionStorage.getItem("docassist-backup-key");
    const headers = { Authorization: `Bearer ${key}`, Accept: "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body });
    const document = await answer.json();
    if (!answer.ok) throw document;
    return document;
  }

  function show(problem) {
    element("upload").hidden = true;
    element("upload-problem").hidden = !problem.error;
    element("upload-problem").textContent = `${problem.error ?? ""} ${problem.hint ?? ""}`;
    if (problem instanceof Error) element("lost").hidden = false;
    element("upload-start").disabled = element("file").disabled = false;
  }

  async function upload(file) {
    const mine = element("upload");
    const slice = Number(mine.dataset.slice);
    element("upload-start").disabled = element("file").disabled = true;
    element("upload-problem").hidden = element("upload-cancelled").hidden = true;
    element("upload").hidden = cancelled = false;
    try {
      const { id } = await ask("/uploads", new URLSearchParams({ size: file.size }));
      for (let offset = 0; offset < file.size; offset += slice) {
        await ask(`/uploads/${id}/slices?offset=${offset}`, file.slice(offset, offset + slice));
        // By the button, or because the page was left: nothing more is sent, and nothing kept.
        if (cancelled || !mine.isConnected) {
          await ask(`/uploads/${id}/cancel`);
          throw {};
        }
        element("upload-bar").value = Math.min(1, (offset + slice) / file.size);
      }
      await htmx.ajax("POST", `/uploads/${id}/check`, { target: "#page", swap: "outerSync" });
    } catch (problem) {
      if (!mine.isConnected) return;
      show(problem);
      element("upload-cancelled").hidden = !cancelled;
    }
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "file") element("upload-start").disabled = !event.target.files.length;
  });

  document.addEventListener("click", (event) => {
    if (event.target.id === "upload-start") upload(element("file").files[0]);
    if (event.target.id === "upload-cancel") cancelled = true;
  });
})();
