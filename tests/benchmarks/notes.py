"""What the report says beside its figures."""

TRIED = """\
## What was tried and did not help

Figures of single trials on two processors with the clinic of 20,000 patients; ratios count.

| tried | came of it | so |
|---|---|---|
| a process for packing and one for checking | 2.0 s in an early trial where one process took 2.6 s; threads give the \
same, for the C code of deflate, SHA-256 and SQLite lets Python go on | threads: no child processes inside the EMR |
| deflate of the vectors, too | 11 % smaller, at 410 MB/s to write and 450 MB/s to read instead of 7,000 | as they are |
| ISA-L's level 0 | 25 % larger and no faster: 298 MB/s for 323 | level 1 |
| ISA-L's level 2 | 3 % smaller, 7 % slower | level 1 |
| the standard library's deflate at level 1 | 77 MB/s for 323, and no smaller | ISA-L |
| zlib-ng and libdeflate instead of ISA-L | to pack at level 1: 1.4 s of processor time and 33 % larger, and 1.7 s, \
for 0.7; to unpack: 0.7 s and 0.6 s for 0.4 | ISA-L |
| pieces of 128 or 256 KB instead of 1 MB | 11 % and 4 % more processor time for packing; 4 MB: no difference | 1 MB |
| reading databases for SQLite's check by `mmap` | 0.36 s of processor time for 0.40; a sector that cannot be \
read would end the whole program instead of this one backup | plain reads |
| `quick_check` instead of `integrity_check` | 0.19 s of processor time for 0.40; it does not compare \
indexes with their tables | `integrity_check`, on the second processor while the first packs |
| a first `fsync` while the rest is still written | no more than 0.1 s less on this disk, which takes 290 MB in that \
time | the disk is told to begin every 2 MB, which nobody waits for, and one `fsync` at the end |
| an `fsync` after each file of a restore | 6,000 letters took 6.6 s one by one and 0.7 s eight at a time; `syncfs` \
took 0.06 s, on Linux only | eight at a time |
| giving each piece of memory back at once (`mmap` threshold of 128 KB), for a small launcher | 200,000 more page \
faults, 0.5 s more processor time where it took 3.0 | all given back at the end: as small |
| hashing again what is read back | 0.3 s more processor time than comparing each piece, read back and unpacked, with \
the very bytes that are hashed, while they are still there; what is equal has the same SHA-256 | compared, beside the \
packing |
| a thread more or less for packing | no difference: both processors are busy | two |
| a thread of its own for hashing | 1 % less time, and 9 % more where there are 5,000 small files | hashed on the \
thread that reads back, and no longer on the one that writes, which the vectors waited for (2 %) |
| giving the target of SQLite's copying its size beforehand, in large pieces | 0.32 s for 0.30, for 220 MB | it grows |
| copying the database files without SQLite's page by page | not built: 0.3 of 3.5 s of processor time, by a trial \
with a file at rest; a plain open and close in this process would drop the EMR's locks, and another process would cost \
more than it saves at most clinics | SQLite's own copying; the smaller databases are checked meanwhile (5 % less time) |
| a database in memory as the target of the copy under the freeze | 46 ms for 62, for 41 MB, and that much memory | \
a file |
| 20 MB of cache for SQLite's copying | 85 ms for 60, for 41 MB | 64 pages |
| copying the databases under the freeze only | a writer waited for as long as the copying took, and one of \
some GB was refused | copied beforehand; the freeze only makes sure that nobody wrote (5.3 GB: 7 ms) |
| making the safety backup while the chosen one is unpacked | not built: by calculation, not measured, 0.5 of \
2.5 s at best, and a backup made in vain whenever the chosen one is refused | one after the other; where nothing was \
written since the newest backup, that one is looked at byte by byte and given a second name |
"""

CHECKED = """\
Ours reads back, unpacks and compares every byte that it has written, and SQLite checks both databases, before a backup
counts. Here the others do as much of that as they can, by `borg check --verify-data`, `restic check --read-data` and
`unzip -t`: what borg and restic make is otherwise read for the first time on the day of the restore.
"""

RESTORE = """\
The EMR's own way alone unpacks, copies and keeps what it replaces unread beside it: no byte is checked, nothing is made
to last on the disk, and there is no backup of today. Ours compares every byte with its SHA-256, has SQLite check both
databases, has all of it on the disk for good before anything is replaced, and keeps today's data in a safety backup
that was checked in the same way: the newest backup itself where nothing was written since, else a new one.
The fair comparison is therefore the EMR's way after a backup. **A third of the time of its way alone is not reached**:
reading, unpacking, hashing and making the data last take longer than that by themselves, whoever does it.
borg, restic, unzip and 7-Zip unpack what they have made into an empty folder: what was there is not kept, nothing is
put in its place, and what that means for the clinic's databases is left to whoever does it by hand.
"""
