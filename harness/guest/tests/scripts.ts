// Scripts for a guest, used by the tests of what frostbite does to a machine that is not its own.

/** A process in the root groups that belongs to nobody, and one in a group beside those of trials. */
export const canaries = `
  for hierarchy in freezer unified; do mkdir /sys/fs/cgroup/$hierarchy/sibling; done
  sleep 100000 > /dev/null 2>&1 &
  echo $! > /tmp/canary
  sleep 100000 > /dev/null 2>&1 &
  echo $! > /tmp/sibling
  for hierarchy in freezer unified; do cat /tmp/sibling > /sys/fs/cgroup/$hierarchy/sibling/cgroup.procs; done`;

export const steps = [
  'never',
  'instead',
  'created',
  'started',
  'freezing',
  'frozen',
  'thawing',
  'deleted',
] as const;

export type Step = (typeof steps)[number];

/** A runtime whose container loses its first process at a step, given by the last digit of its name. */
const runtime = (name: string): string => `#!/bin/sh
for id; do :; done
step=\${id##*[!0-9]}; step=$((step % 10))
end() {
  kill -9 "$1"
  while grep -q '^State:.[^Z]' "/proc/$1/status" 2> /dev/null; do sleep 0.01; done
}
states() { cat /sys/fs/cgroup/*/$id/freezer.state /sys/fs/cgroup/$id/cgroup.events /sys/fs/cgroup/*/$id/cgroup.events 2> /dev/null; }
follow() { # ends it when the group is in a state that a pattern has
  until states | grep -q "$1"; do [ -d /proc/$init ] || exit; sleep 0.01; done
  [ -z "$2" ] || while states | grep -q "$1"; do [ -d /proc/$init ] || exit; sleep 0.01; done
  end "$init"
}
pidfile() { while [ $# -gt 0 ]; do [ "$1" != --pid-file ] || echo "$2"; shift; done; }
case $1.$step in
create.1) cat /tmp/canary > "$(pidfile "$@")"; exit ;;
create.*)
  ${name}.real "$@" || exit
  cat "$(pidfile "$@")" > /tmp/init
  [ $step != 2 ] || end "$(cat /tmp/init)" ;;
start.[3-6])
  ${name}.real "$@" || exit
  init=$(cat /tmp/init)
  case $step in
  3) end "$init" ;;
  4) follow 'FREEZING\\|FROZEN\\|frozen' & ;;
  5) follow 'FROZEN\\|frozen 1' & ;;
  6) follow 'FROZEN\\|frozen 1' gone & ;;
  esac ;;
delete.7) end "$(cat /tmp/init)"; exec ${name}.real "$@" ;;
*) exec ${name}.real "$@" ;;
esac
`;

export const wrap = (name: string): string => `
  at=$(command -v ${name}); mv $at $at.real
  cat > $at <<'END'
${runtime(name)}END
  chmod 755 $at`;

/** What a trial leaves behind, and which canaries survive it. */
export const seen = `
  for name in canary sibling; do kill -0 $(cat /tmp/$name) && echo $name lives; done
  ls -d /sys/fs/cgroup/*/frostline-* 2> /dev/null || true`;

/** Everything that workloads change on a machine, and which frostbite processes run there. */
const state = `
  cat /proc/sys/kernel/core_pattern /sys/kernel/rcu_expedited
  cut -d ' ' -f 2-3 /proc/mounts
  cat /sys/block/loop*/loop/backing_file 2> /dev/null
  ls -d /sys/block/dm-* /sys/block/nbd*/pid /sys/fs/cgroup/*/frostline-* /dev/shm/frostbite-* 2> /dev/null
  ls -d /tmp/frostline-* /var/tmp/frostline-* /run/frostline /run/runc/frostline-* 2> /dev/null
  grep -l '^Name:.frostbite' /proc/[0-9]*/status | grep -v /1/status
  true`;

/**
 * Starts a trial that is left as it is, kills its frostbite, and with `guard` its guardian, and cleans up.
 * Prints core_pattern before the clean-up, and what differs after it from before the trial.
 */
export const killed = (request: string, guard: boolean): string => `
  state() { ${state}
  }
  before=$(state)
  mkfifo /tmp/in
  /bin/frostbite serve < /tmp/in > /tmp/out 2>&1 &
  serving=$!
  exec 9> /tmp/in
  printf '%s' '${request}' >&9
  until grep -q '"ev":"\\(kept\\|result\\)"' /tmp/out; do sleep 0.05; done
  grep -q '"ev":"kept"' /tmp/out || cat /tmp/out
  guards=$(grep -l '^Name:.frostbite-guard' /proc/[0-9]*/status | tr -dc '0-9\\n')
  kill -9 $serving ${guard ? '$guards' : ''}
  exec 9>&-
  rm /tmp/in
  tries=0; until [ -z "$guards" ] || ! [ -d /proc/$guards ] || [ $((tries += 1)) = 200 ]; do sleep 0.05; done
  cat /proc/sys/kernel/core_pattern
  /bin/frostbite clean > /dev/null
  tries=0; until after=$(state); [ "$before" = "$after" ] || [ $((tries += 1)) = 40 ]; do sleep 0.1; done
  [ "$before" = "$after" ] || printf '%s\\n--- after:\\n%s\\n' "$before" "$after"`;
