/** TypeBox between Fastify's routes and their handlers: checked values in; answers are documented by their schemas, not shaped. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchema,
  FastifySchemaCompiler,
  FastifyTypeProvider,
} from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Convert } from 'typebox/value';
import { KitError } from '../kit/errors.ts';
import { contractOf } from '../kit/schemas/contract.ts';

export interface TypeBoxProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: unknown;
}

export type Api = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxProvider>;

/** A query arrives as text and is converted; a body has to be right as it is, and an absent one is an empty object. */
const compileValidator: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart = 'body' }) => {
  const expected = schema as TSchema;
  const contract = contractOf(expected);
  const part = httpPart === 'querystring' ? 'query' : httpPart;
  return (received: unknown) => {
    const value = httpPart === 'querystring' ? Convert(expected, { ...(received as object) }) : (received ?? {});
    if (contract.check(value)) return { value };
    const errors = contract.errors(value);
    const [first] = errors;
    const where = `${part}${first?.path.replaceAll('/', '.') ?? ''}`;
    return {
      error: new KitError('INVALID_ARGUMENT', `${where} ${first?.message ?? 'is not as documented'}`, {
        details: { errors },
      }),
    };
  };
};

/** In place of Ajv and fast-json-stringify. Fastify's type of a factory knows only Ajv's schemas. */
export const COMPILERS = {
  buildValidator: () => compileValidator as never,
  buildSerializer: () => () => JSON.stringify,
};
