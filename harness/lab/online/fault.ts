import { withoutSecrets } from '../../base/url.ts';

/** Why a place cannot provide what a matrix needs from it, as data. */
export type Fault =
  | { readonly code: 'status'; readonly status: number }
  | { readonly code: 'redirects' }
  | { readonly code: 'silent'; readonly ms: number }
  | { readonly code: 'slow'; readonly ms: number }
  | { readonly code: 'tls'; readonly reason: string }
  | { readonly code: 'no-host'; readonly host: string }
  | { readonly code: 'unreachable'; readonly reason: string }
  | { readonly code: 'web-page' }
  | { readonly code: 'empty' }
  | { readonly code: 'too-large'; readonly most: number }
  | { readonly code: 'length'; readonly got: number; readonly said: number }
  | { readonly code: 'hash'; readonly is: string; readonly expected: string; readonly by: string }
  | { readonly code: 'no-box' }
  | { readonly code: 'metadata'; readonly reason: string }
  | { readonly code: 'no-version'; readonly version: string; readonly known: readonly string[] }
  | {
      readonly code: 'no-provider';
      readonly version: string;
      readonly provider: string;
      readonly known: readonly string[];
    }
  | { readonly code: 'missing-file'; readonly what: 'file' | 'folder' }
  | { readonly code: 'unreadable'; readonly reason: string }
  | { readonly code: 'checksum'; readonly algorithm: string }
  | { readonly code: 'archive'; readonly name: string; readonly of: Fault }
  | { readonly code: 'expired'; readonly at: string }
  | { readonly code: 'not-for'; readonly what: string }
  | { readonly code: 'host'; readonly reason: string; readonly todo: string };

/** A fault in words: what is wrong, and what to do about it. */
export interface Words {
  readonly answer: string;
  readonly todo: string;
}

/** Carries a fault to the code that turns it into an answer. */
export class PlaceError extends Error {
  override readonly name = 'PlaceError';
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(explainFault(fault).answer, { cause });
    this.fault = fault;
  }
}

const list = (words: readonly string[]): string =>
  words.length === 0 ? 'none' : words.length > 5 ? `${words.slice(0, 5).join(', ')} ...` : words.join(', ');

const compare = 'Compare with what its publisher says, then correct sha256= or the place.';

/** What is wrong with a place, and what to do about it. */
export function explainFault(fault: Fault): Words {
  switch (fault.code) {
    case 'status':
      return { answer: `HTTP ${fault.status}`, todo: statusTodo(fault.status) };
    case 'redirects':
      return {
        answer: 'redirects without end',
        todo: 'Correct the address: the server sends every request on to another.',
      };
    case 'silent':
      return {
        answer: `silent for ${fault.ms / 1000} s`,
        todo: 'Try again; --timeout gives it longer. Is a firewall in between?',
      };
    case 'slow':
      return {
        answer: `not done within ${fault.ms / 1000} s`,
        todo: 'Try again when the server or the network is faster; --timeout gives it longer.',
      };
    case 'tls':
      return {
        answer: `TLS: ${fault.reason}`,
        todo: "Are the address and this host's clock right? NODE_EXTRA_CA_CERTS names a file of further authorities.",
      };
    case 'no-host':
      return {
        answer: `no host ${fault.host}`,
        todo: 'Is the name right, and does this host have DNS?',
      };
    case 'unreachable':
      return {
        answer: `no connection: ${withoutSecrets(fault.reason)}`,
        todo: 'Is the server up, and reachable from here without a proxy?',
      };
    case 'web-page':
      return {
        answer: 'a web page, not a file',
        todo: 'Open the address in a browser: it may want a login, or the file has moved.',
      };
    case 'empty':
      return { answer: 'an empty file', todo: 'Take another mirror: this one is incomplete.' };
    case 'too-large':
      return {
        answer: `more than ${fault.most} bytes`,
        todo: 'Is it the right address? Much less was expected.',
      };
    case 'length':
      return {
        answer: `${fault.got} of ${fault.said} bytes`,
        todo: 'Try again; if it stays so, the file is not whole at the server.',
      };
    case 'hash':
      return {
        answer: 'another file',
        todo: `${fault.expected} was expected; ${fault.by} ${fault.is}. ${compare}`,
      };
    case 'no-box':
      return {
        answer: 'no such box',
        todo: 'Correct box: to a name that the registry has, or set VAGRANT_SERVER_URL to the registry that has it.',
      };
    case 'metadata':
      return {
        answer: `no metadata of a box: ${fault.reason}`,
        todo: 'Is VAGRANT_SERVER_URL that of a box registry, and nothing between here and there that answers in its place?',
      };
    case 'no-version':
      return {
        answer: `no version ${fault.version}`,
        todo: `Set boxVersion to one that there is: ${list(fault.known)}.`,
      };
    case 'no-provider':
      return {
        answer: `${fault.version} is not for ${fault.provider} on amd64`,
        todo: `It is for: ${list(fault.known)}. Set provider, or take another version or box.`,
      };
    case 'missing-file':
      return {
        answer: `no such ${fault.what}`,
        todo: 'Correct the path: a relative one starts at the folder of the matrix.',
      };
    case 'unreadable':
      return { answer: `cannot be read: ${fault.reason}`, todo: 'May the user who runs frostline read it?' };
    case 'checksum':
      return {
        answer: `a checksum of the unknown kind ${fault.algorithm}`,
        todo: 'Vagrant knows md5, sha1, sha256, sha384 and sha512: it will refuse this box.',
      };
    case 'archive': {
      const { answer, todo } = explainFault(fault.of);
      return {
        answer: `${fault.name}: ${answer}`,
        todo: `${todo} FROSTLINE_DEBIAN_MIRROR names another mirror.`,
      };
    }
    case 'expired':
      return {
        answer: `lists valid until ${fault.at}`,
        todo: "apt refuses them: the mirror is stale, or this host's clock is wrong.",
      };
    case 'not-for':
      return { answer: `no ${fault.what}`, todo: 'It is not a complete mirror of Debian.' };
    case 'host':
      return { answer: fault.reason, todo: fault.todo };
  }
}

function statusTodo(status: number): string {
  if (status === 404 || status === 410)
    return 'Correct the address: what was there may have moved to an archive.';
  if (status === 401 || status === 403 || status === 407)
    return 'The server refuses it: does it want a login, or another network?';
  if (status === 429 || status >= 500) return 'Try again later: the trouble is at the server.';
  return 'Open the address in a browser to see what it answers.';
}
