/**
 * The words that message layouts are written in. A layout names its fields in the order of the wire, each with its type
 * and the versions that have it; TypeScript types, readers and writers all come from it.
 * Source: Kafka protocol guide; KIP-482 (flexible versions and tagged fields), KIP-516 (topic ids).
 */

export type Scalar = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'int64' | 'float64' | 'uuid' | 'string' | 'bytes';
/** `records` are record batches back to back, exactly as they are stored. */
export type FieldType = Scalar | 'records' | 'array' | 'struct';

export interface Field<T = unknown, Optional extends boolean = boolean> {
  readonly type: FieldType;
  readonly since: number;
  readonly until: number;
  /** The first version in which it may be null; Infinity for never. */
  readonly nullableSince: number;
  readonly tag: number | null;
  /** What is read where a version lacks the field, and what a tagged one that is left out means. */
  readonly default: T;
  /** May be left out by who writes. */
  readonly optional: Optional;
  /** Of a struct, or of the structs in an array. */
  readonly fields: Fields | null;
  /** Of an array without structs. */
  readonly element: Scalar | null;
}

// biome-ignore lint/suspicious/noExplicitAny: any field of any type, which only `any` can say
export type Fields = Readonly<Record<string, Field<any>>>;
type Simple<T> = { readonly [K in keyof T]: T[K] } & {};

/** What is read. */
export type In<F extends Fields> = Simple<{ [K in keyof F]: F[K] extends Field<infer T> ? T : never }>;
/** What is written: in arrays and structs too, what has a default may be left out. */
export type Out<F extends Fields> = Simple<
  { [K in keyof F as F[K]['optional'] extends true ? never : K]: Outgoing<F[K]> } & {
    [K in keyof F as F[K]['optional'] extends true ? K : never]?: Outgoing<F[K]>;
  }
>;
type Outgoing<F> =
  F extends StructArray<infer S, infer N>
    ? readonly Out<S>[] | N
    : F extends Struct<infer S, infer N>
      ? Out<S> | N
      : F extends Field<infer T>
        ? T
        : never;

export interface StructArray<F extends Fields, N> extends Field<readonly In<F>[] | N> {
  readonly shape: 'structs';
  readonly of: F;
}
export interface Struct<F extends Fields, N> extends Field<In<F> | N> {
  readonly shape: 'struct';
  readonly of: F;
}

interface Options<T> {
  readonly since?: number;
  readonly until?: number;
  readonly nullable?: number;
  readonly tag?: number;
  readonly default?: T | null;
}
type NullOf<O> = O extends { readonly nullable: number } ? null : never;
type OptionalOf<O> = O extends { readonly default: unknown } | { readonly tag: number } ? true : false;

/** Sixteen zero bytes, which stand for no id. */
export const NO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

function common<T>(type: FieldType, zero: T, options: Options<T> = {}) {
  return {
    type,
    since: options.since ?? 0,
    until: options.until ?? Number.POSITIVE_INFINITY,
    nullableSince: options.nullable ?? Number.POSITIVE_INFINITY,
    tag: options.tag ?? null,
    default: options.default === undefined ? zero : options.default,
    optional: options.default !== undefined || options.tag !== undefined,
    fields: null,
    element: null,
  };
}

function scalar<T>(type: FieldType, zero: T) {
  return <const O extends Options<T> = Record<never, never>>(options?: O): Field<T | NullOf<O>, OptionalOf<O>> =>
    common(type, zero, options) as Field<T | NullOf<O>, OptionalOf<O>>;
}

export const bool = scalar<boolean>('bool', false);
export const int8 = scalar<number>('int8', 0);
export const int16 = scalar<number>('int16', 0);
export const uint16 = scalar<number>('uint16', 0);
export const int32 = scalar<number>('int32', 0);
/** A number: exact to 2^53. */
export const int64 = scalar<number>('int64', 0);
export const float64 = scalar<number>('float64', 0);
/** In URL-safe base64, as Kafka prints it. */
export const uuid = scalar<string>('uuid', NO_UUID);
export const string = scalar<string>('string', '');
export const bytes = scalar<Buffer>('bytes', Buffer.alloc(0));
/** Read as one piece; written as the pieces they were stored in. */
export const records = scalar<readonly Buffer[]>('records', []);

export function struct<const F extends Fields, const O extends Options<In<F>> = Record<never, never>>(
  fields: F,
  options?: O,
): Struct<F, NullOf<O>> & Field<In<F> | NullOf<O>, OptionalOf<O>> {
  const zero = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
  const made = { ...common<unknown>('struct', zero, options), fields };
  return made as unknown as Struct<F, NullOf<O>> & Field<In<F> | NullOf<O>, OptionalOf<O>>;
}

export function array<const F extends Fields, const O extends Options<readonly In<F>[]> = Record<never, never>>(
  fields: F,
  options?: O,
): StructArray<F, NullOf<O>> & Field<readonly In<F>[] | NullOf<O>, OptionalOf<O>> {
  const made = { ...common<unknown>('array', [], options), fields };
  return made as unknown as StructArray<F, NullOf<O>> & Field<readonly In<F>[] | NullOf<O>, OptionalOf<O>>;
}

interface Elements {
  readonly bool: boolean;
  readonly int8: number;
  readonly int16: number;
  readonly int32: number;
  readonly int64: number;
  readonly uuid: string;
  readonly string: string;
  readonly bytes: Buffer;
}

export function arrayOf<
  E extends keyof Elements,
  const O extends Options<readonly Elements[E][]> = Record<never, never>,
>(element: E, options?: O): Field<readonly Elements[E][] | NullOf<O>, OptionalOf<O>> {
  const made = { ...common<unknown>('array', [], options), element };
  return made as unknown as Field<readonly Elements[E][] | NullOf<O>, OptionalOf<O>>;
}

/** A request and its response. Versions are those that the embedded log answers. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly name: string;
  readonly key: number;
  readonly versions: readonly [first: number, last: number];
  /** The first version with compact lengths and tagged fields; Infinity for none. */
  readonly flexible: number;
  readonly request: Request;
  readonly response: Response;
}

export function api<const Request extends Fields, const Response extends Fields>(
  definition: Api<Request, Response>,
): Api<Request, Response> {
  return definition;
}

export type RequestOf<A> = A extends Api<infer Request, Fields> ? In<Request> : never;
export type ResponseOf<A> = A extends Api<Fields, infer Response> ? Out<Response> : never;
