/** A client of one connection that sends whatever it is told to: any request of our layouts in any version, or raw bytes. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { readResponse, writeRequest } from '../../../src/broker/protocol/codec.ts';
import type { Api } from '../../../src/broker/protocol/layout.ts';
import { apiVersions } from '../../../src/broker/protocol/messages/api-versions.ts';
import { ByteWriter } from '../../../src/kit/log/byte-writer.ts';

/** A whole response without its length. */
export type Frame = Buffer;

export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

const LENGTH_BYTES = 4;

/** A request as it goes over the wire, its length first. */
export function encodeRequest(
  api: Api,
  version: number,
  message: unknown,
  { correlationId = 0, clientId = 'wire' }: { correlationId?: number; clientId?: string | null } = {},
): Buffer {
  const to = new ByteWriter();
  to.int16(api.key);
  to.int16(version);
  to.int32(correlationId);
  const client = clientId === null ? null : Buffer.from(clientId);
  to.int16(client === null ? -1 : client.length);
  if (client !== null) to.bytes(client);
  if (version >= api.flexible) to.unsignedVarint(0);
  writeRequest(api, version, message, to);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(to.length);
  return Buffer.concat([length, ...to.pieces()]);
}

/** What a response says, by the request's layout. @throws KitError MALFORMED_REQUEST where it does not fit */
export function decodeResponse(api: Api, version: number, frame: Frame): unknown {
  const flexible = version >= api.flexible && api.key !== apiVersions.key;
  return readResponse(api, version, frame, flexible ? 5 : 4);
}

export class WireClient {
  readonly socket: Socket;
  /** Resolves when the connection has ended, from whichever side. */
  readonly ended: Promise<void>;
  readonly #frames: Frame[] = [];
  readonly #waiting: PromiseWithResolvers<Frame>[] = [];
  #received: Buffer[] = [];
  #nextId = 1;
  #hasEnded = false;

  static async connect(port: number, host = '127.0.0.1'): Promise<WireClient> {
    const socket = createConnection({ host, port, noDelay: true });
    const client = new WireClient(socket);
    await once(socket, 'connect');
    return client;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    // 'close' follows
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.#hasEnded = true;
        for (const each of this.#waiting.splice(0)) each.reject(new ConnectionEnded('the connection has ended'));
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Answers in the order of the requests. @throws ConnectionEnded */
  async request(api: Api, version: number, message: unknown, clientId = 'wire'): Promise<unknown> {
    const correlationId = this.send(api, version, message, clientId);
    const frame = await this.nextFrame();
    const answered = frame.readInt32BE(0);
    if (answered !== correlationId) throw new Error(`request ${correlationId} was answered as ${answered}`);
    return decodeResponse(api, version, frame);
  }

  /** Without waiting for an answer. @returns the correlation id */
  send(api: Api, version: number, message: unknown, clientId = 'wire'): number {
    const correlationId = this.#nextId++;
    this.raw(encodeRequest(api, version, message, { correlationId, clientId }));
    return correlationId;
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next response that nobody has taken. @throws ConnectionEnded */
  nextFrame(): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#hasEnded) return Promise.reject(new ConnectionEnded('the connection has ended'));
    const waiting = Promise.withResolvers<Frame>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.ended;
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    for (;;) {
      const have = this.#received.reduce((sum, { length }) => sum + length, 0);
      if (have < LENGTH_BYTES) return;
      if (this.#received[0]!.length < LENGTH_BYTES) this.#received = [Buffer.concat(this.#received)];
      const end = LENGTH_BYTES + this.#received[0]!.readInt32BE(0);
      if (have < end) return;
      const all = this.#received.length === 1 ? this.#received[0]! : Buffer.concat(this.#received);
      this.#received = all.length > end ? [all.subarray(end)] : [];
      const frame = all.subarray(LENGTH_BYTES, end);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting.resolve(frame);
    }
  }
}
