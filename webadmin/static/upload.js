// A backup from a file: sent in slices, each with the key, because a body is read whole before its door is asked.
"use strict";

(() => {
  const element = (id) => document.getElementById(id);

  async function ask(path, body) {
    const key = sessionStorage.getItem("docassist-backup-key");
    const headers = { Authorization: `Bearer ${key}`, Accept: "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body });
    const document = await answer.json();
    if (!answer.ok) throw document;
    return document;
  }

  function show(problem) {
    if (!element("upload")) return;
    element("upload").hidden = true;
    element("upload-problem").hidden = !problem.error;
    element("upload-problem").textContent = `${problem.error ?? ""} ${problem.hint ?? ""}`;
    element("lost").hidden = Boolean(problem.error);
    element("upload-start").disabled = element("file").disabled = false;
  }

  async function upload(file) {
    const slice = Number(element("upload").dataset.slice);
    element("upload-start").disabled = element("file").disabled = true;
    element("upload-problem").hidden = true;
    element("upload").hidden = false;
    try {
      const { id } = await ask("/uploads", new URLSearchParams({ size: file.size }));
      for (let offset = 0; offset < file.size; offset += slice) {
        await ask(`/uploads/${id}/slices?offset=${offset}`, file.slice(offset, offset + slice));
        if (!element("upload-bar")) return; // the page was left: nothing more is sent
        element("upload-bar").value = Math.min(1, (offset + slice) / file.size);
      }
      await htmx.ajax("POST", `/uploads/${id}/check`, { target: "#page", swap: "outerSync" });
    } catch (problem) {
      show(problem);
    }
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "file") element("upload-start").disabled = !event.target.files.length;
  });

  document.addEventListener("click", (event) => {
    if (event.target.id === "upload-start") upload(element("file").files[0]);
  });
})();
