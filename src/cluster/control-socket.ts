/**
 * How another terminal asks the launcher, who alone can be the parent of a new server. A Unix socket; newline JSON: one request, then
 * any number of `{"progress": text}`, then `{"ok": true}` or `{"error": {…}}`.
 */
import { createHash } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KitError } from '../kit/errors.ts';

export type ControlRequest =
  | { readonly verb: 'start'; readonly server: string; readonly waitIsr: boolean }
  | { readonly verb: 'stop' };

type Reply =
  | { readonly progress: string }
  | { readonly ok: true }
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly retriable: boolean;
        readonly details: Record<string, unknown>;
      };
    };

export interface ControlSocket {
  readonly path: string;
  /** Takes no more requests; those under way are answered. */
  close(): Promise<void>;
}

/** `sun_path` of unix(7), less its ending; macOS has 104. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const MAX_REQUEST_BYTES = 4 * 1024;
const MAX_REPLY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 5_000;

/** In the cluster's directory; in the system's temporary one, under a name of its own, where that path is too long. */
export function controlPath(directory: string): string {
  const inside = join(directory, 'control.sock');
  if (Buffer.byteLength(inside) <= MAX_PATH_BYTES) return inside;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `streamsocial-${hash}.sock`);
}

/** Only for whoever has claimed the directory: a socket that is left over there is replaced. */
export async function serveControl(
  path: string,
  handle: (request: ControlRequest, progress: (text: string) => void) => Promise<void>,
): Promise<ControlSocket> {
  await rm(path, { force: true });
  const server = createServer((socket) => {
    const send = (reply: Reply): void => {
      if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
    };
    // A client that has gone changes nothing about what it asked for.
    socket.on('error', () => {});
    requestFrom(socket)
      .then((request) => handle(request, (progress) => send({ progress })))
      .then(
        () => send({ ok: true }),
        (error) => send({ error: asReply(error) }),
      )
      .finally(() => socket.end());
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      server.close();
      await rm(path, { force: true });
    },
  };
}

/**
 * Resolves when the launcher has done it.
 *
 * @throws KitError LAUNCHER_GONE, LAUNCHER_SILENT (retriable), and what the launcher throws
 */
export async function askLauncher(
  path: string,
  request: ControlRequest,
  options: { readonly timeoutMs: number; readonly onProgress?: (text: string) => void },
): Promise<void> {
  const socket = createConnection(path);
  try {
    socket.setTimeout(options.timeoutMs, () => socket.destroy(silent(options.timeoutMs)));
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket, MAX_REPLY_BYTES)) {
      const reply = JSON.parse(line) as Reply;
      if ('progress' in reply) {
        options.onProgress?.(reply.progress);
      } else if ('error' in reply) {
        const { code, message, retriable, details } = reply.error;
        throw new KitError(code, message, { retriable, details });
      } else {
        return;
      }
    }
    throw gone(path);
  } catch (error) {
    throw error instanceof KitError ? error : gone(path, error);
  } finally {
    socket.destroy();
  }
}

async function requestFrom(socket: Socket): Promise<ControlRequest> {
  socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy());
  for await (const line of linesOf(socket, MAX_REQUEST_BYTES)) {
    socket.setTimeout(0);
    return parseRequest(line);
  }
  throw badRequest();
}

function parseRequest(line: string): ControlRequest {
  try {
    const { verb, server, waitIsr } = JSON.parse(line);
    if (verb === 'stop') return { verb };
    if (verb === 'start' && typeof server === 'string') return { verb, server, waitIsr: waitIsr === true };
  } catch {}
  throw badRequest();
}

/** The lines as they come; an end without a newline is no line. Leaves the socket open for the answer. */
async function* linesOf(socket: Socket, maxBytes: number): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    if (text.length > maxBytes) throw badRequest();
    yield* lines;
  }
}

function asReply(error: unknown): Extract<Reply, { error: unknown }>['error'] {
  if (error instanceof KitError) {
    const { code, message, retriable, details } = error;
    return { code, message, retriable, details };
  }
  return { code: 'INTERNAL_ERROR', message: String(error), retriable: false, details: {} };
}

function badRequest(): KitError {
  return new KitError('INVALID_ARGUMENT', 'the request to the launcher cannot be read; is it of another version?');
}

function gone(path: string, cause?: unknown): KitError {
  return new KitError(
    'LAUNCHER_GONE',
    `the process that launched this cluster does not listen (${path}); streamsocial cluster up starts it anew`,
    { cause },
  );
}

function silent(timeoutMs: number): KitError {
  return new KitError(
    'LAUNCHER_SILENT',
    `the process that launched this cluster gave no answer within ${timeoutMs / 1000} s`,
    {
      retriable: true,
    },
  );
}
