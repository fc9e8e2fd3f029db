import { isAbsolute, resolve } from 'node:path';
import type { Problem } from './finding.ts';
import type { ImageSource, KernelPart, KernelSource, UserlandSource } from './matrix.ts';
import { suites } from './suites.ts';

/**
 * `deb:SUITE[/PACKAGE[=VERSION]]`, `path:FILE[,modules=DIR]`, or `rpm:` or `url:` with one or more
 * `PLACE[,sha256=HEX]`, joined by ` + ` with spaces, since many package names contain a plus.
 */
export const kernelPattern =
  /^(deb:[a-z0-9-]+(\/[a-z0-9][a-z0-9.+*?-]*(=[A-Za-z0-9.+:~-]+)?)?|path:[^,]+(,modules=[^,]+)?|(rpm|url):[^\s,]+(,sha256=[0-9a-f]{64})?( \+ [^\s,]+(,sha256=[0-9a-f]{64})?)*)$/;
export const kernelText =
  'deb:SUITE, deb:SUITE/PACKAGE-GLOB[=VERSION], path:BZIMAGE[,modules=FOLDER], or rpm: or url: with PLACE[,sha256=HEX], several joined by " + "';

/** Parses a kernel's text that matches `kernelPattern`; resolves relative paths against `folder`, the matrix file's. */
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
  if (text.startsWith('rpm:') || text.startsWith('url:')) {
    const parts = text
      .slice(4)
      .split(' + ')
      .map((part): KernelPart => {
        const [place = '', sha256 = null] = part.split(',sha256=');
        const isUrl = /^[a-z]+:\/\//i.test(place);
        return { place: isUrl ? place : absolute(place), isUrl, sha256 };
      });
    return { kind: text.startsWith('rpm:') ? 'rpm' : 'url', text, parts };
  }
  const [, suite = '', name, version] = /^deb:([^/]+)(?:\/([^=]+)(?:=(.+))?)?$/.exec(text) ?? [];
  return { kind: 'deb', text, suite, package: name ?? null, version: version ?? null };
}

/** The text of a kernel with absolute paths, so that it does not depend on the folder of its matrix. */
export function formatKernel(source: KernelSource): string {
  switch (source.kind) {
    case 'deb':
      return source.text;
    case 'path':
      return `path:${source.image}${source.modules === null ? '' : `,modules=${source.modules}`}`;
    case 'rpm':
    case 'url': {
      const parts = source.parts.map(
        ({ place, sha256 }) => place + (sha256 === null ? '' : `,sha256=${sha256}`),
      );
      return `${source.kind}:${parts.join(' + ')}`;
    }
  }
}

/** What is wrong with a kernel's text that matches `kernelPattern`; null if nothing. */
export function checkSource(text: string): Problem | null {
  const source = parseKernel(text, '/');
  if (source.kind === 'deb' && !(suites as readonly string[]).includes(source.suite))
    return { code: 'unknown-name', name: source.suite, known: suites };
  for (const part of 'parts' in source ? source.parts : []) {
    const problem = checkPart(part);
    if (problem !== null) return problem;
  }
  return null;
}

function checkPart({ place, isUrl, sha256 }: KernelPart): Problem | null {
  const got = JSON.stringify(place);
  if (isUrl && !(/^https?:\/\//.test(place) && URL.canParse(place)))
    return { code: 'bad-value', expected: 'a file or an http or https URL', got };
  if (isUrl && sha256 === null)
    return { code: 'bad-value', expected: `"${place},sha256=HEX", so that it can be verified`, got };
  return null;
}

/** `path:FILE[,sha256=HEX]` or `url:URL,sha256=HEX`: a disk image with an installed distro. */
export const imagePattern = /^(path:[^,]+|url:[^\s,]+)(,sha256=[0-9a-f]{64})?$/;
export const imageText = 'path:QCOW2[,sha256=HEX] or url:URL,sha256=HEX';

/** Parses an image's text that matches `imagePattern`; resolves a relative path against `folder`, the matrix file's. */
export function parseImage(text: string, folder: string): ImageSource {
  const isUrl = text.startsWith('url:');
  const [place = '', sha256 = null] = text.replace(/^(path|url):/, '').split(',sha256=');
  return { text, place: isUrl || isAbsolute(place) ? place : resolve(folder, place), isUrl, sha256 };
}

/** The text of an image with an absolute path, so that it does not depend on the folder of its matrix. */
export const formatImage = ({ isUrl, place, sha256 }: ImageSource): string =>
  `${isUrl ? 'url' : 'path'}:${place}${sha256 === null ? '' : `,sha256=${sha256}`}`;

/** What is wrong with an image's text that matches `imagePattern`; null if nothing. */
export const checkImage = (text: string): Problem | null => checkPart(parseImage(text, '/'));

/** Parses a userland's text, `deb:SUITE`. */
export function parseUserland(text: string): UserlandSource {
  return { kind: 'deb', text, suite: text.slice('deb:'.length) };
}
