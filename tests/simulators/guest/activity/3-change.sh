# An ordinary day: rows change and go, files are deleted, logs grow.
set -e
mount LABEL=data /data
sqlite3 /srv/ledger.db 'update entry set note = hex(randomblob(40)) where account % 97 = 0;
  delete from entry where account % 53 = 1;'
seq -f 'entry %g changed' 1 8000 >> /var/log/ledger.log
rm -r /usr/share/zoneinfo/Antarctica /usr/share/zoneinfo/Arctic
rm /data/photograph-1
seq 60001 90000 >> /data/measurements.csv
cp /srv/ledger.db /data/ledger-copy.db
umount /data
sync
sqlite3 /srv/ledger.db 'select count(*) from entry'
