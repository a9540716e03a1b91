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
| pieces of 128 or 256 KB instead of 1 MB | 20 % and 8 % more processor time for packing | 1 MB |
| reading databases for SQLite's check by `mmap` | 0.1 of 0.5 s less; a sector that cannot be read would end the whole \
program instead of this one backup | plain reads |
| `quick_check` instead of `integrity_check` | 0.2 s for 0.5 s; it does not compare indexes with their tables | \
`integrity_check`, on the second processor while the first packs |
| a first `fsync` while the rest is still written | 0.1 s less on this disk, which takes 290 MB in 0.1 s | one `fsync` |
| checking each member while the next is packed | not built: both processors are busy while packing, and the idle time \
that it could fill adds up to 0.2 s of 1.9 s | one after the other |
| copying the databases under the freeze only | a writer waited for as long as the copying took, and one of \
some GB was refused | copied beforehand; the freeze only makes sure that nobody wrote (5.3 GB: 7 ms) |
| making the safety backup while the chosen one is unpacked | not built: by the sum of their processor times 0.5 of \
2.5 s at best, and a backup made in vain whenever the chosen one is refused | one after the other; where nothing was \
written since the newest backup, that one is looked at byte by byte (0.1 s) and given a second name |
"""

RESTORE = """\
The EMR's own way unpacks and copies; it reads nothing again and keeps copies that nobody has checked. Ours has every
byte compared with its SHA-256, both databases checked by SQLite, all of it on the disk for good before anything is
replaced, and today's data in a safety backup that was checked in the same way. Where nothing was written since the
newest backup, that one is the safety backup; else one is made, which costs as much as a backup does.
A third of the time of the EMR's way is not reached with that: reading, unpacking and hashing alone take longer.
"""

LARGE = """\
## 5 GB

Tried once, beside other work on the same two processors: a `clinic.db` of 5.3 GB with 5.1 million visits. First backup
made and checked with a peak of 49 MB of memory; writers were held for 7 ms. With a patient's visit written every
minute while the disk was so busy that copying took longer than that, the copy was begun again until a minute was
enough: 0 writes failed, the longest waited 3.7 s (before the freeze learned to let go of what it cannot copy in time).
"""
