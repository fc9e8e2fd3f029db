import type { Way } from '../matrix/matrix.ts';
import type { OpenLab } from './lab.ts';
import { openQemuLab } from './qemu/lab.ts';

/** Every driver a matrix can name. */
export const drivers = {
  qemu: openQemuLab,
} as const satisfies Record<Way['driver'], OpenLab>;
