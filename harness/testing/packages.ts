import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'frostline-test-'));

/** Builds an RPM of a tree with rpmbuild, as distributions do; `payload` is its compression. */
export async function buildRpm(name: string, tree: string, payload = 'w1.gzdio'): Promise<string> {
  const top = await folder();
  const spec = `%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
Name: ${name}
Version: 1
Release: 1
Summary: for a test
License: GPL-2.0
AutoReqProv: no
%description
For a test.
%install
cp -a ${tree}/. %{buildroot}/
%files
/*
`;
  await writeFile(join(top, 'one.spec'), spec);
  const defines = [`_topdir ${top}`, `_binary_payload ${payload}`, `_dbpath ${join(top, 'db')}`];
  const args = ['-bb', '--quiet', '--target', 'x86_64', ...defines.flatMap((one) => ['--define', one])];
  execFileSync('rpmbuild', [...args, join(top, 'one.spec')], { stdio: 'pipe' });
  const out = join(top, 'RPMS/x86_64');
  return join(out, (await readdir(out))[0]!);
}

/** Builds a .deb of a tree, compressed with zstd as Ubuntu's are. */
export async function buildDeb(name: string, tree: string): Promise<string> {
  await mkdir(join(tree, 'DEBIAN'));
  const control = `Package: ${name}\nVersion: 1\nArchitecture: amd64\nMaintainer: a test <test@localhost>\nDescription: for a test\n`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  const out = join(await folder(), `${name}.deb`);
  execFileSync('dpkg-deb', ['-Zzstd', '-z1', '--root-owner-group', '-b', tree, out], { stdio: 'pipe' });
  return out;
}

/** A web server on loopback. */
export interface WebServer extends AsyncDisposable {
  readonly url: string;
  /** The requested paths, in order. */
  readonly asked: readonly string[];
}

/** Serves files by name; below /cut/ it breaks off in the middle of the file. */
export async function serve(files: readonly string[]): Promise<WebServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const file = files.find((one) => basename(one) === basename(path));
    if (file === undefined) return void response.writeHead(404).end();
    void stat(file).then(({ size }) => {
      response.writeHead(200, { 'content-length': size });
      if (!path.startsWith('/cut/')) return createReadStream(file).pipe(response);
      return createReadStream(file, { end: Math.floor(size / 2) })
        .on('end', () => response.destroy())
        .pipe(response, { end: false });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Writes a file with the bzImage header of a release (Documentation/arch/x86/boot.rst); it cannot boot. */
export async function writeImage(file: string, release: string): Promise<void> {
  const bytes = Buffer.alloc(0x1000);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(0x600, 0x20e);
  bytes.write(`${release} (test) #1`, 0x800, 'latin1');
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, bytes);
}
