import { isAbsolute, resolve } from 'node:path';
import type { KernelSource, UserlandSource } from './matrix.ts';

/** Parses a kernel's text, which the schema has matched; paths are relative to the matrix file's folder. */
export function parseKernel(text: string, folder: string): KernelSource {
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(folder, path));
  if (text.startsWith('path:')) {
    const [image = '', modules] = text.slice(5).split(',modules=');
    return {
      kind: 'path',
      text,
      image: absolute(image),
      modules: modules === undefined ? null : absolute(modules),
    };
  }
  const [, suite = '', name, version] = /^deb:([^/]+)(?:\/([^=]+)(?:=(.+))?)?$/.exec(text) ?? [];
  return { kind: 'deb', text, suite, package: name ?? null, version: version ?? null };
}

/** Parses a userland's text, which the schema has matched. */
export function parseUserland(text: string): UserlandSource {
  return { kind: 'deb', text, suite: text.slice('deb:'.length) };
}
