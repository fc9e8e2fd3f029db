/** The axes of a matrix, in the order of a cell's id. */
export const axisNames = ['distro', 'cgroup', 'runtime', 'workload', 'strategy'] as const;
export type AxisName = (typeof axisNames)[number];
