# Somebody tidies up: a package goes, the database is compacted, a log is rotated, a hole is punched.
set -e
mount LABEL=data /data
dpkg --purge bc >/dev/null 2>&1
sqlite3 /srv/ledger.db 'delete from entry where id % 2 = 0; vacuum;'
mv /var/log/ledger.log /var/log/ledger.log.1
gzip /var/log/ledger.log.1
truncate -s 0 /data/ledger-copy.db
dd if=/dev/zero of=/data/photograph-2 bs=4k count=60 conv=notrunc status=none
fallocate --punch-hole --offset 65536 --length 131072 /data/measurements.csv
umount /data
sync
sqlite3 /srv/ledger.db 'select count(*) from entry'
