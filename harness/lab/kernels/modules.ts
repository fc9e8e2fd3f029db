import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which of the requested modules a kernel has. */
export interface ModulePlan {
  /** Paths relative to the modules folder, in the order to load them. */
  readonly load: readonly string[];
  /** Names that are neither built in nor available as modules. */
  readonly missing: readonly string[];
}

/** `kernel/drivers/net/virtio_net.ko.xz` -> `virtio_net`; modprobe treats `-` and `_` alike. */
export const moduleName = (path: string): string =>
  path
    .replace(/^.*\//, '')
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');

/** Parses modules.dep: path -> the paths it needs, direct and indirect. */
export function parseDep(text: string): Map<string, readonly string[]> {
  const entries = text.split('\n').flatMap((line): [string, readonly string[]][] => {
    const colon = line.indexOf(':');
    if (colon < 0) return [];
    return [
      [
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .split(' ')
          .filter(Boolean),
      ],
    ];
  });
  return new Map(entries);
}

/**
 * Resolves module names against modules.dep and modules.builtin (modules.dep(5)): dependencies first,
 * each once, built-in ones left out.
 */
export async function planModules(folder: string | null, names: readonly string[]): Promise<ModulePlan> {
  // a kernel without a modules folder has everything it needs built in
  if (folder === null) return { load: [], missing: [] };
  const [dep, builtin] = await Promise.all(
    ['modules.dep', 'modules.builtin'].map((file) => readFile(join(folder, file), 'utf8').catch(() => '')),
  );
  const needs = parseDep(dep!);
  const byName = new Map([...needs.keys()].map((path) => [moduleName(path), path]));
  const built = new Set(builtin!.split('\n').filter(Boolean).map(moduleName));
  const load = new Set<string>();
  const missing: string[] = [];
  for (const name of names.map((n) => n.replaceAll('-', '_'))) {
    const path = byName.get(name);
    if (path === undefined) {
      if (!built.has(name)) missing.push(name);
      continue;
    }
    // modules.dep lists the nearest first, so that the deepest dependency is last
    for (const one of (needs.get(path) ?? []).toReversed()) load.add(one);
    load.add(path);
  }
  return { load: [...load], missing };
}
