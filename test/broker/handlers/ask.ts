/** A handler as a client meets it: what goes in and comes out has been through the bytes of a version, without a connection. */
import type { Asking, Broker, Handler } from '../../../src/broker/handler.ts';
import { readRequest, readResponse, writeRequest, writeResponse } from '../../../src/broker/protocol/codec.ts';
import type { Api, In, Out } from '../../../src/broker/protocol/layout.ts';
import { ByteWriter } from '../../../src/kit/log/byte-writer.ts';

type RequestIn<A> = A extends Api<infer F> ? Partial<Out<F>> : never;
type ResponseOut<A> = A extends Api<never, infer F> ? In<F> : A extends Api<infer _, infer F> ? In<F> : never;

/** @returns null where the handler sends none */
export async function ask<A extends Api>(
  { api, answer }: Handler<A>,
  version: number,
  request: RequestIn<A>,
  broker: Broker,
  asking: Partial<Asking> = {},
): Promise<ResponseOut<A> | null> {
  const sent = new ByteWriter();
  // Fields that a version lacks are not written; the others have to be there.
  writeRequest(api, version, request, sent);
  const read = readRequest(api, version, Buffer.concat(sent.pieces()), 0);
  const circumstances = { version, clientId: 'client', clientHost: '/127.0.0.1', signal: new AbortController().signal };
  const response = await answer(read, { ...circumstances, ...asking }, broker);
  if (response === null) return null;
  const received = new ByteWriter();
  writeResponse(api, version, response, received);
  return readResponse(api, version, Buffer.concat(received.pieces()), 0) as ResponseOut<A>;
}

/** In every version that is offered. */
export function versions({ api }: Handler): number[] {
  const [first, last] = api.versions;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
