import { defineConfig } from 'vitest/config';

/**
 * `unit`: tests that need no machine. `vm`: tests that boot real kernels (files named *.vm.test.ts), one file at a
 * time, since two emulated machines fill two cores. `faults`: tests that take minutes, for `scripts/test --faults`.
 * `vagrant`: tests of single vagrant machines, for `scripts/test --vagrant`; a whole run with such machines is in `vm`.
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    globalSetup: new URL('vitest.setup.ts', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          root: new URL('..', import.meta.url).pathname,
          include: ['harness/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/*.vm.test.ts', '**/*.faults.test.ts', '**/*.vagrant.test.ts'],
          testTimeout: 30_000,
          // starting Chromium, and building the guest's sources, take long on a busy host
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'vm',
          root: new URL('..', import.meta.url).pathname,
          include: ['harness/**/*.vm.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'faults',
          root: new URL('..', import.meta.url).pathname,
          include: ['harness/**/*.faults.test.ts'],
          fileParallelism: false,
          testTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'vagrant',
          root: new URL('..', import.meta.url).pathname,
          include: ['harness/**/*.vagrant.test.ts'],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
