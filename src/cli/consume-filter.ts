/**
 * The language of `consume --filter`: comparisons of a record's fields, joined by && || ! and parentheses. It is parsed here
 * and turned into closures; nothing of it is ever run as code, it has no loops and no patterns, so that it costs time in
 * proportion to the record at most.
 *
 *   value.user_id == "u_1" && (timestamp >= "2026-05-27T14:00:00Z" || header("ce_type") =~ "post")
 */
import { KitError } from '../kit/errors.ts';
import type { LogRecord } from '../kit/log/event-log.ts';
import { momentOf } from './moment.ts';

export type RecordFilter = (record: LogRecord) => boolean;

const MAX_LENGTH = 4_096;
const MAX_DEPTH = 64;

/** @throws KitError USAGE that points at the column */
export function parseFilter(source: string): RecordFilter {
  if (source.length > MAX_LENGTH)
    throw new KitError('USAGE', `--filter has ${source.length} characters; ${MAX_LENGTH} are the most`);
  const test = new Parser(source).parse();
  return (record) => test(new Subject(record));
}

type Scalar = string | number | boolean | null;
type Test = (subject: Subject) => boolean;
/** Undefined: the record has no such field. Objects and arrays of JSON are values too, which equal nothing. */
type Operand = { readonly of: (subject: Subject) => unknown; readonly literal?: Scalar; readonly isTime?: boolean };

/** A record whose key and value are decoded at the first look. */
class Subject {
  readonly record: LogRecord;
  #key: { readonly json: unknown } | null = null;
  #value: { readonly json: unknown } | null = null;

  constructor(record: LogRecord) {
    this.record = record;
  }

  /** The text as JSON; undefined where it is none. */
  get keyJson(): unknown {
    this.#key ??= { json: jsonOf(this.record.key) };
    return this.#key.json;
  }

  get valueJson(): unknown {
    this.#value ??= { json: jsonOf(this.record.value) };
    return this.#value.json;
  }
}

function jsonOf(bytes: Buffer | null): unknown {
  if (bytes === null) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const textOf = (bytes: Buffer | null | undefined): string | null | undefined =>
  bytes === undefined || bytes === null ? bytes : bytes.toString();

const FIELDS: Readonly<Record<string, Operand & { readonly json?: (subject: Subject) => unknown }>> = {
  key: { of: ({ record }) => textOf(record.key), json: (subject) => subject.keyJson },
  value: { of: ({ record }) => textOf(record.value), json: (subject) => subject.valueJson },
  topic: { of: ({ record }) => record.topic },
  partition: { of: ({ record }) => record.partition },
  offset: { of: ({ record }) => record.offset },
  timestamp: { of: ({ record }) => record.timestamp, isTime: true },
};

const COMPARE: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '<': (left, right) => inOrder(left, right, (order) => order < 0),
  '<=': (left, right) => inOrder(left, right, (order) => order <= 0),
  '>': (left, right) => inOrder(left, right, (order) => order > 0),
  '>=': (left, right) => inOrder(left, right, (order) => order >= 0),
  '=~': (left, right) =>
    left != null && right != null && isScalar(left) && isScalar(right) && String(left).includes(String(right)),
};

function isScalar(value: unknown): boolean {
  return typeof value !== 'object';
}

/** What is not there equals null. Text that is a number equals the number: keys and headers are always text. */
function equal(left: unknown, right: unknown): boolean {
  if (left == null || right == null) return left == null && right == null;
  if (!isScalar(left) || !isScalar(right)) return false;
  if (typeof left === typeof right) return left === right;
  const numbers = bothNumbers(left, right);
  return numbers === null ? String(left) === String(right) : numbers[0] === numbers[1];
}

/** Numbers by size, texts by code units; anything else has no order. */
function inOrder(left: unknown, right: unknown, holds: (order: number) => boolean): boolean {
  if (typeof left === 'string' && typeof right === 'string') return holds(left < right ? -1 : left > right ? 1 : 0);
  const numbers = bothNumbers(left, right);
  return numbers !== null && holds(numbers[0] - numbers[1]);
}

function bothNumbers(left: unknown, right: unknown): readonly [number, number] | null {
  const pair = [numberOf(left), numberOf(right)] as const;
  return Number.isNaN(pair[0]) || Number.isNaN(pair[1]) ? null : pair;
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? Number(value) : Number.NaN;
}

interface Token {
  readonly kind: 'word' | 'text' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_][\w-]*)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<sign>&&|\|\||==|!=|<=|>=|=~|[<>!().[\]]))/y;

class Parser {
  readonly #source: string;
  #token: Token;
  #end = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#token = this.#read();
  }

  parse(): Test {
    const test = this.#either();
    if (this.#token.kind !== 'end') this.#fail(`"${this.#token.text}" is one too many; && or || joins two conditions`);
    return test;
  }

  #either(): Test {
    let left = this.#all();
    while (this.#take('||')) {
      const [first, second] = [left, this.#all()];
      left = (subject) => first(subject) || second(subject);
    }
    return left;
  }

  #all(): Test {
    let left = this.#one();
    while (this.#take('&&')) {
      const [first, second] = [left, this.#one()];
      left = (subject) => first(subject) && second(subject);
    }
    return left;
  }

  #one(): Test {
    if (++this.#depth > MAX_DEPTH) this.#fail(`more than ${MAX_DEPTH} levels`);
    try {
      if (this.#take('!')) {
        const test = this.#one();
        return (subject) => !test(subject);
      }
      if (this.#take('(')) {
        const test = this.#either();
        this.#expect(')');
        return test;
      }
      return this.#comparison();
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): Test {
    const left = this.#operand();
    const compare = this.#token.kind === 'sign' ? COMPARE[this.#token.text] : undefined;
    if (compare === undefined) return (subject) => isThere(left.of(subject));
    this.#next();
    const at = this.#token;
    const right = this.#operand();
    const [first, second] = [this.#timed(left, right, at), this.#timed(right, left, at)];
    return (subject) => compare(first.of(subject), second.of(subject));
  }

  /** A text that is compared with a time is a time. */
  #timed(operand: Operand, other: Operand, at: Token): Operand {
    if (other.isTime !== true || typeof operand.literal !== 'string') return operand;
    const time = momentOf(operand.literal, Date.now());
    if (time === null) this.#fail('a time is written like "2026-05-27T14:00:00Z", or "-10m"', at);
    return { of: () => time };
  }

  #operand(): Operand {
    const token = this.#token;
    if (token.kind === 'text') return literal(this.#textOf(this.#next()));
    if (token.kind === 'number') return literal(Number(this.#next().text));
    if (token.kind !== 'word') this.#fail('a field or a value is missing here');
    this.#next();
    if (token.text === 'true' || token.text === 'false') return literal(token.text === 'true');
    if (token.text === 'null') return literal(null);
    if (token.text === 'header') return this.#header();
    const field = Object.hasOwn(FIELDS, token.text) ? FIELDS[token.text]! : undefined;
    if (field === undefined)
      this.#fail(
        `no field is named ${token.text}; there are ${Object.keys(FIELDS).join(', ')} and header("name")`,
        token,
      );
    const at = this.#token;
    const path = this.#path();
    if (path.length === 0) return field;
    if (field.json === undefined) this.#fail(`${token.text} has no parts; key and value have, where they are JSON`, at);
    const { json } = field;
    return { of: (subject) => descend(json(subject), path) };
  }

  #header(): Operand {
    this.#expect('(');
    if (this.#token.kind !== 'text') this.#fail('the name of a header is written in quotes: header("ce_type")');
    const name = this.#textOf(this.#next());
    this.#expect(')');
    // As Kafka's `lastHeader`: of several of one name the last counts.
    return { of: ({ record }) => textOf(record.headers.findLast(([other]) => other === name)?.[1]) };
  }

  /** `.name`, `["name"]`, `[0]` */
  #path(): (string | number)[] {
    const path: (string | number)[] = [];
    for (;;) {
      if (this.#take('.')) {
        if (this.#token.kind !== 'word') this.#fail('the name of a part is missing here');
        path.push(this.#next().text);
      } else if (this.#take('[')) {
        const { kind, text } = this.#token;
        if (kind !== 'text' && !(kind === 'number' && /^\d+$/.test(text))) this.#fail('["name"] or [0] is meant here');
        const token = this.#next();
        path.push(kind === 'text' ? this.#textOf(token) : Number(text));
        this.#expect(']');
      } else return path;
    }
  }

  #textOf(token: Token): string {
    const inner = token.text.slice(1, -1);
    const json = token.text.startsWith('"') ? inner : inner.replaceAll("\\'", "'").replaceAll(/(?<!\\)"/g, '\\"');
    try {
      return JSON.parse(`"${json}"`) as string;
    } catch {
      return this.#fail('the text has an escape that JSON does not know', token);
    }
  }

  #take(sign: string): boolean {
    if (this.#token.kind !== 'sign' || this.#token.text !== sign) return false;
    this.#next();
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#fail(`"${sign}" is missing here`);
  }

  #next(): Token {
    const token = this.#token;
    this.#token = this.#read();
    return token;
  }

  #read(): Token {
    TOKEN.lastIndex = this.#end;
    const match = TOKEN.exec(this.#source);
    if (match === null) {
      const at = this.#end + /^\s*/.exec(this.#source.slice(this.#end))![0].length;
      if (at === this.#source.length) return { kind: 'end', text: '', at };
      const text = this.#source[at]!;
      return this.#fail(
        text === '"' || text === "'" ? 'the text has no closing quote' : `"${text}" is not understood`,
        { kind: 'sign', text, at },
      );
    }
    const [kind, text] = Object.entries(match.groups!).find(([, found]) => found !== undefined)! as [
      Token['kind'],
      string,
    ];
    this.#end = TOKEN.lastIndex;
    return { kind, text, at: this.#end - text.length };
  }

  #fail(why: string, { at }: Token = this.#token): never {
    const shown = this.#source.replaceAll(/\s/g, ' ');
    throw new KitError('USAGE', `--filter, column ${at + 1}: ${why}\n  ${shown}\n  ${' '.repeat(at)}^`, {
      details: { column: at + 1 },
    });
  }
}

function literal(value: Scalar): Operand {
  return { of: () => value, literal: value };
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

function descend(json: unknown, path: readonly (string | number)[]): unknown {
  let value = json;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
