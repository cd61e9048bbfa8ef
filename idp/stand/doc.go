// Package stand is the /dev paths of `idp dev`: test citizens, the outbox, and the refusals of requests, as pages for
// people and as JSON for scripts (CONTRACT.md section 6). It is mounted by `idp dev` alone.
//
// The citizens of citizens.json are the same in every stand: numbers, contacts, passwords, TOTP secrets. They are written
// at the start where they lack, and then belong to the database: whoever locks one finds it locked after a restart too.
//
// Decision of 24 November 2026: passwords that the stand prints are not in the database, whose schema is that of
// production. Those of the fixed citizens are in the program; those of citizens that POST /dev/citizens made are lines of
// the file citizens.jsonl in the folder of -data, mode 0600, and without a folder they live as long as the process. A password
// that was changed since is not known to the stand, and is listed as empty.
package stand
