#!/usr/bin/env bash
# One-node SLURM for the tests: real daemons, no systemd, no cgroups, no database (Debian 12, root).
#   slurm.sh install              install the packages, once
#   slurm.sh start                write the configuration, start munged, slurmctld and slurmd, wait for the node
#   slurm.sh stop                 cancel all jobs, end the daemons by their pid files
#   slurm.sh stop-controller      end slurmctld alone; start-controller starts it from its saved state
# All state is in $SLURM_DIR. Clients need SLURM_CONF=$SLURM_DIR/slurm.conf.
set -euo pipefail
SLURM_DIR=${SLURM_DIR:-${HPC_DIR:-${TMPDIR:-/tmp}/morphodose-hpc}/slurm}
export SLURM_CONF=$SLURM_DIR/slurm.conf
cpus=${SLURM_TEST_CPUS:-4}    # jobs of the tests sleep more than they compute

install() {
    export DEBIAN_FRONTEND=noninteractive
    if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
        apt-get update -q >/dev/null
        # without recommends: no database
        apt-get install -y -q --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
    fi
    slurmctld -V
}

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

configure() {
    local host memory
    host=$(hostname -s)
    memory=$(awk '/MemTotal/{printf "%d", $2/1024*0.9}' /proc/meminfo)
    mkdir -p "$SLURM_DIR"/{state,spool,log}
    # a GPU is a character device to SLURM: a second /dev/null is one, and jobs get CUDA_VISIBLE_DEVICES
    [ -c "$SLURM_DIR/gpu0" ] || mknod -m 666 "$SLURM_DIR/gpu0" c 1 3
    echo "Name=gpu Type=pretended File=$SLURM_DIR/gpu0" > "$SLURM_DIR/gres.conf"
    echo 'CgroupAutomount=no' > "$SLURM_DIR/cgroup.conf"
    cat > "$SLURM_CONF" <<CONF
ClusterName=morphodose
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$SLURM_DIR/log/jobcomp.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=1024
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5,sched_min_interval=0
PropagateResourceLimits=NONE
ReturnToService=2
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
SlurmctldPort=${SLURM_CTLD_PORT:-16817}
SlurmdPort=${SLURM_D_PORT:-16818}
SlurmctldPidFile=$SLURM_DIR/slurmctld.pid
SlurmdPidFile=$SLURM_DIR/slurmd.pid
SlurmctldLogFile=$SLURM_DIR/log/slurmctld.log
SlurmdLogFile=$SLURM_DIR/log/slurmd.log
StateSaveLocation=$SLURM_DIR/state
SlurmdSpoolDir=$SLURM_DIR/spool
SlurmdTimeout=60
KillWait=5
MinJobAge=300
InactiveLimit=0
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:pretended:1 State=UNKNOWN
PartitionName=short Nodes=$host Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=$host Default=NO MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=$host Default=NO MaxTime=INFINITE PriorityTier=10 State=UP
CONF
}

start_munged() {
    ! munge -n </dev/null >/dev/null 2>&1 || return 0
    # munged starts only where these belong to its user
    [ -s /etc/munge/munge.key ] || mungekey -c
    chown munge:munge /etc/munge/munge.key
    command install -d -o munge -g munge -m 0755 /run/munge
    command install -d -o munge -g munge -m 0711 /var/lib/munge
    command install -d -o munge -g munge -m 0700 /var/log/munge
    setpriv --reuid=munge --regid=munge --init-groups munged --pid-file=/run/munge/munged.pid
    cp /run/munge/munged.pid "$SLURM_DIR/munged.pid"
    munge -n | unmunge >/dev/null
}

wait_for_node() {
    local i
    for ((i = 0; i < 150; i++)); do
        case $(sinfo -h -p short -o %T 2>/dev/null || true) in idle | mixed | allocated) return 0 ;; esac
        sleep 0.2
    done
    tail -5 "$SLURM_DIR"/log/*.log >&2
    return 1
}

end() {
    local file=$SLURM_DIR/$1.pid pid i
    alive "$file" || return 0
    pid=$(cat "$file")
    kill "$pid"
    for ((i = 0; i < 100; i++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    rm -f "$file"
}

start() {
    configure
    start_munged
    alive "$SLURM_DIR/slurmctld.pid" || slurmctld -c -f "$SLURM_CONF"    # -c: without the state of an earlier run
    alive "$SLURM_DIR/slurmd.pid" || slurmd -f "$SLURM_CONF"
    wait_for_node
    sinfo -o '%P %T %c %m %G'
}

stop() {
    scancel --user="$(id -un)" 2>/dev/null || true
    end slurmd
    end slurmctld
    end munged
}

case ${1:-} in
    install | start | stop) "$1" ;;
    stop-controller) end slurmctld ;;
    start-controller) slurmctld -f "$SLURM_CONF"; wait_for_node ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
