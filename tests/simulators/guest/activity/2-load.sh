# A database is loaded; a program writes its log; documents arrive.
set -e
mount LABEL=data /data
sqlite3 /srv/ledger.db 'create table entry(id integer primary key, account int, note text);
  create index entry_account on entry(account);'
sqlite3 /srv/ledger.db "with recursive counter(n) as (select 1 union all select n + 1 from counter where n < 40000)
  insert into entry select n, abs(random()) % 1000000, hex(randomblob(40)) from counter;"
seq -f 'entry %g booked' 1 20000 > /var/log/ledger.log
dd if=/dev/urandom of=/data/photograph-1 bs=64k count=40 status=none
dd if=/dev/urandom of=/data/photograph-2 bs=4k count=100 status=none
umount /data
sync
sqlite3 /srv/ledger.db 'select count(*) from entry'
