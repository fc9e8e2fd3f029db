#!/bin/sh
# Runs in a new Debian root (chroot), called by scripts/build-box: turns it into what Vagrant expects of a box, or into
# a cloud image.
# Usage: root.sh box|cloud NAME PUBLIC-KEY-FILE
set -eu
kind=$1 name=$2 key=$3
case $kind in box) disk=/dev/vda ;; cloud) disk=/dev/vda1 ;; esac
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

echo "$name" > /etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n' "$name" > /etc/hosts
echo "$disk / ext4 defaults,noatime 0 1" > /etc/fstab
rm -f /etc/resolv.conf
: > /etc/resolv.conf
# each machine gets its own id at its first boot
: > /etc/machine-id

# otherwise every machine would have the host keys of this build
rm -f /etc/ssh/ssh_host_*
cat > /etc/ssh/sshd_config.d/vagrant.conf <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PasswordAuthentication no
GSSAPIAuthentication no
CONF
cat > /etc/systemd/network/10-ethernet.network <<'CONF'
[Match]
Name=en* eth*
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
CONF

systemctl enable -q systemd-networkd.service ssh.service
# units that wake up by themselves would disturb the measurements
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer man-db.timer systemd-networkd-wait-online.service getty@tty1.service \
	systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-pcrphase-initrd.service; do
	systemctl mask -q "$unit" 2> /dev/null
done

# the initramfs needs only the modules for the machine's disk
printf 'MODULES=list\nCOMPRESS=zstd\n' > /etc/initramfs-tools/conf.d/frostline
printf 'virtio_pci\nvirtio_blk\next4\n' > /etc/initramfs-tools/modules
update-initramfs -u -k all
# The user that Vagrant logs in as, and a host key that each machine generates for itself
vagrant_box() {
	id vagrant > /dev/null 2>&1 || useradd -m -s /bin/bash -p '*' vagrant
	install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh
	install -m 600 -o vagrant -g vagrant "$key" /home/vagrant/.ssh/authorized_keys
	echo 'vagrant ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/vagrant
	chmod 440 /etc/sudoers.d/vagrant
	cat > /etc/systemd/system/ssh-host-key.service << 'UNIT'
[Unit]
Description=A host key of this machine's own
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
UNIT
	systemctl enable -q ssh-host-key.service

	# Under emulation these take almost half of a boot, and frostline's machines need none of them: sessions and console
	# logins, unused file systems, modules that are loaded on demand.
	for unit in systemd-logind.service serial-getty@.service systemd-update-utmp.service \
		systemd-update-utmp-runlevel.service systemd-journal-flush.service systemd-binfmt.service \
		systemd-network-generator.service modprobe@.service dev-hugepages.mount dev-mqueue.mount \
		sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount; do
		systemctl mask -q "$unit"
	done
	# of the devices that existed before udev started, announce only the network card and the disk
	echo virtio_net > /etc/modules-load.d/frostline.conf
	install -d /etc/systemd/system/systemd-udev-trigger.service.d
	cat > /etc/systemd/system/systemd-udev-trigger.service.d/frostline.conf << 'UNIT'
[Unit]
After=systemd-modules-load.service
[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=net --subsystem-match=block
UNIT
}

# Installs GRUB, whose own tools regenerate the menu when kernel arguments change; cloud-init provides users and keys
cloud_image() {
	mkdir -p /boot/grub
	cp -r /usr/lib/grub/i386-pc /boot/grub/
	cat > /etc/default/grub << 'CONF'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_TERMINAL="console serial"
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=ttyS0 net.ifnames=0"
GRUB_DISABLE_LINUX_UUID=true
GRUB_DISABLE_OS_PROBER=true
CONF
	kernel=$(find /boot -name 'vmlinuz-*' | sort -V | tail -n 1)
	initrd=$(find /boot -name 'initrd.img-*' | sort -V | tail -n 1)
	cat > /boot/grub/grub.cfg << CONF
linux $kernel root=$disk ro console=ttyS0 net.ifnames=0
initrd $initrd
boot
CONF
	grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /tmp/frostline/core.img \
		biosdisk part_msdos ext2 normal linux configfile search serial test gzio
	cp /usr/lib/grub/i386-pc/boot.img /tmp/frostline/
	printf 'datasource_list: [NoCloud, None]\n' > /etc/cloud/cloud.cfg.d/90-frostline.cfg
}

if [ "$kind" = box ]; then vagrant_box; else cloud_image; fi
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /var/log/*.log
