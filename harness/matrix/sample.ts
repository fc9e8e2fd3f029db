/** A small valid matrix, for tests. */
export const good = `name: quick
trials: 8
machines: 2
distros:
  debian-13: { driver: qemu, kernel: "deb:trixie" }
cgroups: [v1, v2]
workloads: [sleep, spin]
strategies:
  single: { preset: single }
`;

/** `good` with another strategy, an exclude and an expectation, for tests. */
export const full = `${good}  mine: { attempts: 9, poll: 5ms, rewriteAt: [1, 3], thawAt: [5], cycle: 8, thawFor: 2ms }
exclude: [{ cgroup: v2, strategy: [mine, single], workload: spin }]
expect: [{ workload: sleep, rate: ">= 0.99" }]
`;
