# Somebody installs packages and starts to fill the data disk.
set -e
mount -o ro LABEL=packages /mnt
dpkg -i /mnt/*.deb >/dev/null 2>&1
umount /mnt
mount LABEL=data /data
mkdir /data/documents
cp -r /usr/share/zoneinfo/Europe /etc/systemd /data/documents/
seq 1 60000 > /data/measurements.csv
umount /data
sync
dpkg-query -f '${Package} ${Version}\n' -W sqlite3 bc
