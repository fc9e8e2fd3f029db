import { z } from 'zod';
import { PlaceError } from './fault.ts';
import { request, textOf, type Patience } from './http.ts';

/**
 * The metadata of a box, as far as it is used here (Vagrant's lib/vagrant/box_metadata.rb). Registries and boxes from
 * before 2023 have no architectures.
 */
const metadataSchema = z.object({
  versions: z.array(
    z.object({
      version: z.string(),
      providers: z
        .array(
          z.object({
            name: z.string(),
            url: z.string(),
            checksum: z.string().nullish(),
            checksum_type: z.string().nullish(),
            architecture: z.string().nullish(),
            default_architecture: z.boolean().nullish(),
          }),
        )
        .default([]),
    }),
  ),
});

type Metadata = z.infer<typeof metadataSchema>;
type Version = Metadata['versions'][number];
type Provider = Version['providers'][number];

/** Vagrant's own size limit for metadata. */
const maxBytes = 20 * 2 ** 20;

/** Where Vagrant looks for a box by default. */
export const defaultServer = 'https://vagrantcloud.com';

/**
 * The metadata of a box USER/NAME. Like Vagrant since 2.4, asks the API of a registry first, then the short address
 * that older and private registries have. Throws PlaceError.
 */
export async function fetchMetadata(server: string, box: string, patience: Patience): Promise<Metadata> {
  const base = server.replace(/\/+$/, '');
  if (!/^https?:\/\//.test(base) || !URL.canParse(base))
    throw new PlaceError({ code: 'metadata', reason: 'VAGRANT_SERVER_URL is no http or https URL' });
  const path = box.split('/').map(encodeURIComponent).join('/');
  const first = await readMetadata(`${base}/api/v2/vagrant/${path}`, patience).catch(toError);
  if (!(first instanceof PlaceError)) return first;
  const { code } = first.fault;
  if (code !== 'status' && code !== 'metadata') throw first;
  const second = await readMetadata(`${base}/${path}`, patience).catch(toError);
  if (!(second instanceof PlaceError)) return second;
  if (statusOf(first) !== 404) throw first;
  // some web sites answer any address with a page
  const isGone = statusOf(second) === 404 || second.fault.code === 'metadata';
  throw isGone ? new PlaceError({ code: 'no-box' }, second) : second;
}

function toError(error: unknown): PlaceError {
  if (error instanceof PlaceError) return error;
  throw error;
}

const statusOf = ({ fault }: PlaceError): number | null => (fault.code === 'status' ? fault.status : null);

async function readMetadata(url: string, patience: Patience): Promise<Metadata> {
  const answered = await request(url, patience, { headers: { accept: 'application/json' } });
  const text = await textOf(answered, maxBytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PlaceError({ code: 'metadata', reason: 'it is no JSON' }, cause);
  }
  const parsed = metadataSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.map(String).join('.') ?? '';
  throw new PlaceError({ code: 'metadata', reason: `${at === '' ? 'it' : at} is not as expected` });
}

/** Compares versions: 4.10 is after 4.9. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** The entry of a version that Vagrant would choose for a provider on amd64. */
function providerOf({ providers }: Version, name: string): Provider | undefined {
  const own = providers.filter((one) => one.name === name);
  return (
    own.find(({ architecture }) => architecture === 'amd64') ??
    own.find((one) => one.architecture === 'unknown' && one.default_architecture === true) ??
    own.find(({ architecture }) => architecture === undefined || architecture === null)
  );
}

/** Versions for a provider on amd64, newest first, without pre-releases, which Vagrant never chooses by itself. */
export function versionsFor({ versions }: Metadata, provider: string): string[] {
  return versions
    .filter((one) => providerOf(one, provider) !== undefined && !/[a-z]/i.test(one.version))
    .map(({ version }) => version)
    .sort((a, b) => compare(b, a));
}

/** The box that Vagrant would download; a null version means the newest. Throws PlaceError when there is none. */
export function chooseBox(metadata: Metadata, version: string | null, provider: string): Provider {
  const fitting = versionsFor(metadata, provider);
  const asked = version ?? fitting[0];
  const newest = metadata.versions.map((one) => one.version).sort((a, b) => compare(b, a));
  if (asked === undefined && newest.length === 0)
    throw new PlaceError({ code: 'no-version', version: 'at all', known: [] });
  const found = metadata.versions.find((one) => one.version === (asked ?? newest[0]));
  if (found === undefined) throw new PlaceError({ code: 'no-version', version: asked ?? '', known: fitting });
  const box = providerOf(found, provider);
  if (box !== undefined && /^https?:\/\//.test(box.url) && URL.canParse(box.url)) return box;
  if (box !== undefined)
    throw new PlaceError({ code: 'metadata', reason: `the url of ${found.version} is none` });
  const known = found.providers.map(({ name, architecture }) =>
    architecture ? `${name} (${architecture})` : name,
  );
  throw new PlaceError({ code: 'no-provider', version: found.version, provider, known });
}
