#!/bin/sh
# Build the guest's root file system from Debian's packages, without mounts and without a running guest.
#
#   build-root.sh OUTPUT
#
# Writes OUTPUT/root.tar, OUTPUT/boot/ (kernel and initial RAM disk) and OUTPUT/packages/ (the packages that the
# guest installs later, as activity between two backups).
set -eu
output=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
suite=bookworm
later="sqlite3 bc file less"

# A fixed time keeps two builds alike. Virtual machines of QEMU and of VMware both find their disk: virtio and pvscsi.
SOURCE_DATE_EPOCH=1763769600
export SOURCE_DATE_EPOCH
mkdir -p "$output/packages"

mmdebstrap --quiet --variant=minbase --skip=check/qemu \
  --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/lib/modules/*/kernel/drivers/net/*' --dpkgopt='path-exclude=/lib/modules/*/kernel/net/*' \
  --include=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,qemu-guest-agent,zstd \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/srv" "$1/data"' \
  --essential-hook='printf "MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=3\n" > "$1/etc/initramfs-tools/conf.d/guest"' \
  --customize-hook='echo guest > "$1/etc/hostname"; printf "LABEL=root / ext4 defaults,noatime 0 1\n" > "$1/etc/fstab"' \
  --customize-hook="upload $here/root/heartbeat /usr/local/sbin/heartbeat" \
  --customize-hook="upload $here/root/heartbeat.service /etc/systemd/system/heartbeat.service" \
  --customize-hook='chmod 755 "$1/usr/local/sbin/heartbeat"; chroot "$1" systemctl --quiet enable heartbeat' \
  --customize-hook='chroot "$1" systemctl --quiet mask e2scrub_reap.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer fstrim.timer dpkg-db-backup.timer getty-static.service' \
  --customize-hook='printf "virtio_pci\nvirtio_blk\nsd_mod\nvmw_pvscsi\next4\ncrc32c_generic\n" >> "$1/etc/initramfs-tools/modules"' \
  --customize-hook='printf "blacklist kvm\nblacklist kvm_amd\nblacklist kvm_intel\nblacklist aesni_intel\n" > "$1/etc/modprobe.d/guest.conf"' \
  --customize-hook='chroot "$1" update-initramfs -u -k all >/dev/null' \
  --customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get clean' \
  --customize-hook="APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get install --quiet=2 --yes --download-only $later >/dev/null" \
  --customize-hook='mkdir "$1/later"; mv "$1"/var/cache/apt/archives/*.deb "$1/later/"' \
  --customize-hook="sync-out /later $output/packages" --customize-hook='rm -r "$1/later"' \
  --customize-hook="copy-out /boot $output" \
  "$suite" "$output/root.tar"
