import { FrostlineError } from '../errors.ts';
import { explain, type Problem } from '../matrix/finding.ts';
import type { Distro, Matrix } from '../matrix/matrix.ts';
import { checkSource, formatKernel, kernelPattern, kernelText, parseKernel } from '../matrix/source.ts';

/**
 * Converts the argument of --kernel to the form used in a matrix, with absolute paths: `deb:`, `path:`, `rpm:` or
 * `url:` text, else the path of a bzImage. Rejects ('usage') anything else.
 */
export function kernelOption(word: string): string {
  const text = /^(deb|path|rpm|url):/.test(word) ? word : `path:${word}`;
  const form: Problem = { code: 'bad-value', expected: `BZIMAGE, ${kernelText}`, got: JSON.stringify(word) };
  const problem = kernelPattern.test(text) ? checkSource(text) : form;
  if (problem === null) return formatKernel(parseKernel(text, process.cwd()));
  throw new FrostlineError(`--kernel: ${explain(problem)}`, {
    code: 'usage',
    todo: 'For example: --kernel arch/x86/boot/bzImage, or --kernel deb:trixie.',
  });
}

/** A matrix whose distros all boot this kernel, unchanged otherwise. Rejects ('usage') hosts with their own kernel. */
export function withKernel(matrix: Matrix, text: string): Matrix {
  const kernel = parseKernel(text, '/');
  const distros = [...matrix.distros].map(([name, { ways }]): [string, Distro] => {
    const [first, ...more] = ways.flatMap((way) => (way.driver === 'qemu' ? [{ ...way, kernel }] : []));
    if (first !== undefined) return [name, { ways: [first, ...more] }];
    throw new FrostlineError(`--kernel: "${name}" is a host with a kernel of its own.`, {
      code: 'usage',
      todo: 'Take it out of the matrix, or give it a way of the driver qemu.',
    });
  });
  return { ...matrix, distros: new Map(distros) };
}
