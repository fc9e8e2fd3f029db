import type { Way } from '../matrix/matrix.ts';
import type { OpenLab } from './lab.ts';
import { openLocalLab } from './local/lab.ts';
import { openImageLab } from './qemu/image/lab.ts';
import { openQemuLab } from './qemu/lab.ts';
import { openSshLab } from './ssh/lab.ts';
import { openVagrantLab } from './vagrant/lab.ts';

/** Every driver a matrix can name. */
export const drivers = {
  qemu: openQemuLab,
  image: openImageLab,
  ssh: openSshLab,
  local: openLocalLab,
  vagrant: openVagrantLab,
} as const satisfies { readonly [D in Way['driver']]: OpenLab<Extract<Way, { driver: D }>> };
