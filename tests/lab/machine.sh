# The lab's virtual machine, for setup and run. Sets LAB_DIR, the lab's folder: $LAB_CACHE (default
# ~/.cache/tetherbook-lab) has one for each version of the files that make it, so that two checkouts do not disturb
# each other.
lab_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${LAB_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/tetherbook-lab}"
LAB_DIR=$LAB_CACHE/$(cat "$lab_here"/{packages,setup,machine.sh,guest/init} | sha256sum | cut -c1-12)
# Debian keeps modprobe and depmod where a normal user's path does not look.
PATH=$PATH:/usr/sbin:/sbin

lab_error() { echo "lab: $*" >&2; }

# lab_needs PROGRAM:PACKAGE...: says which are missing, and fails if any is.
lab_needs() {
    local pair missing=
    for pair; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || {
            lab_error "${pair%%:*} is missing; install Debian's package ${pair#*:}"
            missing=1
        }
    done
    [ -z "$missing" ]
}

# machine RUN SHARE OUT: sets $q to QEMU's arguments, and $key to what a saved state is good for. RUN is the run's own
# folder on the host, SHARE and OUT the two shared ones.
machine() {
    local i tag ro path
    case ${LAB_ACCEL:-$(cat "$LAB_DIR/accel")} in
    kvm) q=(-accel kvm -cpu "${LAB_CPU:-host}" -smp "${LAB_SMP:-2}") ;;
    *) q=(-accel tcg,thread=multi,tb-size=512 -cpu "${LAB_CPU:-max,la57=off}" -smp "${LAB_SMP:-1}") ;;
    esac
    q+=(-M pc -m "${LAB_MEM:-2048}")
    key="$(qemu-system-x86_64 --version | head -n1) ${q[*]}"
    q+=(-nodefaults -no-user-config -display none -no-reboot
        -kernel "$LAB_DIR/vmlinux" -initrd "$LAB_DIR/initrd.img" -append "console=ttyS0 quiet loglevel=3 panic=-1 \
mitigations=off nokaslr tsc=reliable no_timer_check audit=0 apparmor=0 random.trust_cpu=on cryptomgr.notests"
        -serial "file:$1/console" -device virtio-rng-pci -device qemu-xhci,id=xhci -device usb-ehci,id=ehci -device virtio-serial-pci)
    for i in stdout stderr monitor; do q+=(-device "virtserialport,chardev=$i,name=$i"); done
    for i in root:on:/ "tools:on:$LAB_DIR/root" "run:off:$1" "share:on:$2" "out:off:$3"; do
        IFS=: read -r tag ro path <<<"$i"
        q+=(-fsdev "local,id=$tag,path=${path//,/,,},readonly=$ro,security_model=none,multidevs=remap"
            -device "virtio-9p-pci,fsdev=$tag,mount_tag=$tag")
    done
}
