/** From a request's bytes to its handler and back to a response's bytes. Source: Kafka protocol guide, "Request Header". */
import { isKitError, KitError } from '../kit/errors.ts';
import { ByteReader } from '../kit/log/byte-reader.ts';
import { ByteWriter } from '../kit/log/byte-writer.ts';
import type { Asking, Broker, Handler } from './handler.ts';
import { readRequest, writeResponse } from './protocol/codec.ts';
import { ERROR } from './protocol/error-codes.ts';
import type { Api, ResponseOf } from './protocol/layout.ts';
import { apiVersions } from './protocol/messages/api-versions.ts';

export interface RequestHeader {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
  /** Where the request's own fields begin. */
  readonly end: number;
}

/** What a request may meet on its way; the default is nothing. */
export type Around = (
  header: RequestHeader,
  api: Api,
  request: unknown,
  answer: () => Promise<unknown>,
) => Promise<unknown>;

export class Requests {
  readonly #handlers: ReadonlyMap<number, Handler>;
  readonly #broker: Broker;
  readonly #around: Around | null;

  constructor(handlers: readonly Handler[], broker: Broker, around: Around | null = null) {
    this.#handlers = new Map(handlers.map((each) => [each.api.key, each]));
    this.#broker = broker;
    this.#around = around;
  }

  /**
   * @returns the response's pieces, or null where none is sent
   * @throws KitError MALFORMED_REQUEST, UNSUPPORTED_REQUEST; whatever a handler could not turn into an error code
   */
  async answer(frame: Buffer, asking: Pick<Asking, 'clientHost' | 'signal'>): Promise<Buffer[] | null> {
    const header = readHeader(frame, (key) => this.#handlers.get(key)?.api);
    const found = this.#handlers.get(header.apiKey);
    const [first, last] = found?.api.versions ?? [0, -1];
    if (found === undefined || header.version < first || header.version > last) {
      // KIP-511: a client that is newer than we are learns from this what it may ask.
      if (found?.api === apiVersions) return this.#unsupportedApiVersions(found, header, asking);
      const known = found === undefined ? 'is not offered' : `is offered in versions ${first} to ${last}`;
      const name = found?.api.name ?? `API key ${header.apiKey}`;
      throw new KitError('UNSUPPORTED_REQUEST', `${name} version ${header.version} was asked for and ${known}.`);
    }
    const { api } = found;
    const request = readRequest(api, header.version, frame, header.end);
    const { version, clientId } = header;
    const answer = async (): Promise<ResponseOf<Api> | null> =>
      found.answer(request, { version, clientId, ...asking }, this.#broker);
    const response = this.#around === null ? await answer() : await this.#around(header, api, request, answer);
    return response === null ? null : writeFrame(api, header, response as ResponseOf<Api>);
  }

  async #unsupportedApiVersions(found: Handler, header: RequestHeader, asking: Pick<Asking, 'clientHost' | 'signal'>) {
    const asked = { version: 0, clientId: header.clientId, ...asking };
    const answer = (await found.answer({} as never, asked, this.#broker)) as object;
    const response = { ...answer, errorCode: ERROR.UNSUPPORTED_VERSION };
    return writeFrame(found.api, { ...header, version: 0 }, response as ResponseOf<Api>);
  }
}

function readHeader(frame: Buffer, apiOf: (key: number) => Api | undefined): RequestHeader {
  try {
    const from = new ByteReader(frame);
    const [apiKey, version, correlationId] = [from.int16(), from.int16(), from.int32()];
    const length = from.int16();
    if (length < -1) throw new RangeError(`a client id of ${length} bytes`);
    const clientId = length === -1 ? '' : from.text(length);
    const api = apiOf(apiKey);
    const known = api !== undefined && version <= api.versions[1];
    if (known && version >= api.flexible) skipTags(from);
    return { apiKey, version, correlationId, clientId, end: from.position };
  } catch (cause) {
    if (isKitError(cause) || !(cause instanceof RangeError)) throw cause;
    throw new KitError('MALFORMED_REQUEST', `Not the header of a request: ${cause.message}.`, { cause });
  }
}

function skipTags(from: ByteReader): void {
  for (let count = from.unsignedVarint(); count > 0; count--) {
    from.unsignedVarint();
    from.slice(from.unsignedVarint());
  }
}

function writeFrame(api: Api, { version, correlationId }: RequestHeader, response: ResponseOf<Api>): Buffer[] {
  const to = new ByteWriter();
  to.int32(correlationId);
  // The header of this response is never flexible: its reader does not know yet what it talks to.
  if (version >= api.flexible && api !== apiVersions) to.unsignedVarint(0);
  writeResponse(api, version, response, to);
  return to.pieces();
}
