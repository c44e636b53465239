/** One document of a projection: now, before a time, and event by event; and how to find one. */
import Type, { type Static } from 'typebox';
import { DOCUMENT_KINDS, type DocumentKind, documentKindOf } from '../domains/social/documents.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import type { DocumentChange, DocumentPlace } from '../pipelines/document-history.ts';
import type { Platform } from '../pipelines/platform.ts';
import type { Projection } from '../pipelines/projection.ts';
import type { Closing } from './closing.ts';
import { momentOf, PAST_PROBLEMS, whileAsked } from './past.ts';
import { Document, namedProjection, OrNull, ProjectionName, ProjectionParams } from './projection-schemas.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const MAX_KEY_CHARS = 512;
/** Of one change in an answer. */
const MAX_FIELDS = 50;
const EXAMPLES_OF_KEYS = 10;

const Key = Type.String({
  minLength: 1,
  maxLength: MAX_KEY_CHARS,
  description: 'Of the document.',
  examples: ['post_991'],
});
const FieldMeaning = Type.Object({
  label: Type.String(),
  type: Type.Enum(['count', 'time', 'text', 'id', 'time and text', 'count and error', 'register']),
  unit: Type.Optional(Type.String()),
});
const Kind = Type.Object({
  prefix: Type.String({ description: "How its keys begin; '' where the key is the id." }),
  id: OrNull(Type.String(), 'What follows the prefix; null where nothing does.'),
  about: Type.String(),
  fields: Type.Record(Type.String(), FieldMeaning, { description: 'By name.' }),
  entries: OrNull(
    Type.Object({ name: Type.String(), ...FieldMeaning.properties }),
    'Of all other fields: what their names are, and what is said of each.',
  ),
});
export type KindJson = Static<typeof Kind>;

const Kinds = Type.Object({
  kinds: Type.Array(
    Type.Object({
      ...Kind.properties,
      example: OrNull(Type.String(), 'The key of one that exists; null where a short look found none.'),
    }),
  ),
});
export type KindsJson = Static<typeof Kinds>;

const StateQuery = Type.Object(
  {
    key: Key,
    at: Type.Optional({ ...Timestamp, description: 'As it was before this time. Default: as it is now.' }),
    history: Type.Optional(
      Type.Boolean({
        description:
          "With `at`: from the document's own history, which is folded once and answers for other times too. Default: from the whole projection and its snapshots.",
      }),
    ),
    or_null: Type.Optional(
      Type.Boolean({ description: 'Where there is none, `document` is null. Default: UNKNOWN_DOCUMENT.' }),
    ),
  },
  { additionalProperties: false },
);
const State = Type.Object({
  projection: ProjectionName,
  key: Type.String(),
  at: OrNull(Timestamp),
  document: OrNull(Document, 'Null only where `or_null` was asked for.'),
  kind: OrNull(Kind),
  folded: Type.Integer({
    minimum: 0,
    description: 'Records read for this answer: 0 where what was folded before sufficed.',
  }),
  from_snapshot: OrNull(Timestamp, 'What the fold began with; null: the beginning of the log.'),
  missing: Type.Integer({ minimum: 0, description: 'Records that the log has forgotten: the answer lacks them.' }),
  previous_change: OrNull(
    Type.Integer(),
    'With `history`: when it changed last before that time, ms since the epoch; null where that is not known.',
  ),
  next_change: OrNull(Type.Integer(), 'And when it changed next.'),
});
export type StateJson = Static<typeof State>;

const KeysQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ maxLength: MAX_KEY_CHARS })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 50; some more may come.' })),
    cursor: Type.Optional(Type.String({ maxLength: 1_024 })),
  },
  { additionalProperties: false },
);
const Keys = Type.Object({
  recent: Type.Array(
    Type.Object({
      key: Type.String(),
      at: Type.Integer({ description: 'When that event was appended, ms since the epoch.' }),
      event_type: Type.String(),
    }),
    { description: 'Changed by the newest events, newest first; of the first page only.' },
  ),
  keys: Type.Array(Type.String(), { description: 'From the store; in no order that is promised.' }),
  cursor: OrNull(Type.String(), 'To go on; null where all was looked at.'),
});
export type KeysJson = Static<typeof Keys>;

const FieldValue = Type.Union([Type.Number(), Type.String(), Type.Null()]);
const Change = Type.Object({
  at: Type.Integer({ description: 'The state before this time (ms since the epoch) lacks it, one later has it.' }),
  topic: TopicName,
  partition: Partition,
  offset: Offset,
  event_id: Type.String(),
  event_type: Type.String(),
  user_id: Type.String(),
  event_time: Timestamp,
  fields: Type.Array(Type.Object({ field: Type.String(), before: FieldValue, after: FieldValue }), {
    description: `Null: there was, or is, no such field. The first ${MAX_FIELDS}.`,
  }),
  field_count: Count,
});
export type ChangeJson = Static<typeof Change>;

const CURSOR = '^\\d{1,16}:\\d{1,9}:\\d{1,16}:[a-zA-Z0-9._-]{1,249}$';
const ChangesQuery = Type.Object(
  {
    key: Key,
    until: Type.Optional({ ...Timestamp, description: 'Changes before this time. Default: now.' }),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'Default 50.' })),
    cursor: Type.Optional(Type.String({ pattern: CURSOR, description: 'Of an earlier answer: those before it.' })),
  },
  { additionalProperties: false },
);
const Changes = Type.Object({
  projection: ProjectionName,
  key: Type.String(),
  until: Timestamp,
  changes: Type.Array(Change, { description: 'Newest first.' }),
  total: Type.Integer({ minimum: 0, description: 'Of all changes before `until`, or before the cursor.' }),
  cursor: OrNull(Type.String(), 'To go on with older ones; null at the first change that log or snapshot have.'),
  searched: Type.Integer({
    minimum: 0,
    description: 'Records that were folded to find them, now or for an earlier answer.',
  }),
  folded: Type.Integer({ minimum: 0, description: 'Of these, for this answer.' }),
  from_snapshot: OrNull(Timestamp, 'What the fold began with; null: the beginning of the log.'),
  missing: Type.Integer({ minimum: 0, description: 'Records that the log has forgotten: nothing is known of them.' }),
});
export type ChangesJson = Static<typeof Changes>;

const Progress = Type.Object({
  fold: OrNull(Type.Object({ folded: Count, total: Count }), 'Records; null where none is under way.'),
});
export type ProgressJson = Static<typeof Progress>;

const NOT_KNOWN = { previous_change: null, next_change: null };
const AS_IT_IS = { folded: 0, from_snapshot: null, missing: 0, ...NOT_KNOWN };
const TAGS = { tags: ['projections'] };
const HISTORY_PROBLEMS = [...PAST_PROBLEMS, 'REBUILD_FAILED', 'STORE_UNAVAILABLE'];

export function projectionDocumentRoutes(app: Api, platform: Platform, closing: Closing): void {
  const named = (name: string): Projection => namedProjection(platform, name);

  app.get(
    '/api/v1/projections/:name/kinds',
    {
      schema: {
        ...TAGS,
        summary: 'What kinds of documents a projection has, each with an example',
        params: ProjectionParams,
        response: {
          200: json('The kinds.', Kinds),
          ...problems('UNKNOWN_PROJECTION', 'LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    async ({ params }): Promise<KindsJson> => {
      const projection = named(params.name);
      const state = platform.state[projection.name];
      const recent = await platform.recentKeys(projection, { prefix: '', limit: Number.POSITIVE_INFINITY });
      const kinds = DOCUMENT_KINDS[projection.name] ?? [];
      return {
        kinds: await Promise.all(
          kinds.map(async (kind) => {
            const active = recent.find(({ key }) => documentKindOf(projection.name, key) === kind)?.key;
            const example = active ?? (await state.keys({ prefix: kind.prefix, limit: 1 })).keys[0] ?? null;
            return { ...kindJson(kind), example };
          }),
        ),
      };
    },
  );

  app.get(
    '/api/v1/projections/:name/keys',
    {
      schema: {
        ...TAGS,
        summary: 'Keys of its documents: those of the newest events, and some by prefix',
        params: ProjectionParams,
        querystring: KeysQuery,
        response: {
          200: json('Keys.', Keys),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_PROJECTION', 'LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    async ({ params, query: { prefix = '', limit = 50, cursor } }): Promise<KeysJson> => {
      const projection = named(params.name);
      const [recent, page] = await Promise.all([
        cursor === undefined ? platform.recentKeys(projection, { prefix, limit: EXAMPLES_OF_KEYS }) : [],
        platform.state[projection.name].keys({ prefix, limit, ...(cursor === undefined ? {} : { cursor }) }),
      ]);
      return { recent: [...recent], keys: [...page.keys], cursor: page.cursor };
    },
  );

  app.get(
    '/api/v1/projections/:name/state',
    {
      schema: {
        ...TAGS,
        summary: 'A document as it is, or as it was before a time',
        params: ProjectionParams,
        querystring: StateQuery,
        response: {
          200: json('The document.', State),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_PROJECTION', 'UNKNOWN_DOCUMENT', ...HISTORY_PROBLEMS),
        },
      },
    },
    async ({ params, query: { key, at, history = false, or_null: orNull = false } }, reply): Promise<StateJson> => {
      const { name } = named(params.name);
      const signal = whileAsked(reply, closing);
      const found =
        at === undefined
          ? { document: await platform.state[name].get(key), ...AS_IT_IS }
          : await closing.orClosing(stateBefore(platform, { name, key, at: momentOf(at, 'at'), history }, signal));
      const { document, ...origin } = found;
      const kind = documentKindOf(name, key);
      if (document !== null || orNull)
        return {
          projection: name,
          key,
          at: at ?? null,
          document,
          kind: kind === null ? null : kindJson(kind),
          ...origin,
        };
      const what = at === undefined ? `has nothing at ${key}` : `had nothing at ${key} before ${at}`;
      throw new KitError('UNKNOWN_DOCUMENT', `${name} ${what}.`, {
        details: { projection: name, key, at: at ?? null, ...origin },
      });
    },
  );

  app.get(
    '/api/v1/projections/:name/changes',
    {
      schema: {
        ...TAGS,
        summary: 'Which events changed a document, and how',
        params: ProjectionParams,
        querystring: ChangesQuery,
        response: {
          200: json('Changes, newest first.', Changes),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_PROJECTION', 'HISTORY_TOO_WIDE', ...HISTORY_PROBLEMS),
        },
      },
    },
    async ({ params, query: { key, until, limit = 50, cursor } }, reply): Promise<ChangesJson> => {
      const { name } = named(params.name);
      const time = until === undefined ? Date.now() + 1 : momentOf(until, 'until');
      const than = cursor === undefined ? null : placeOf(cursor);
      const found = await closing.orClosing(
        platform.histories.changes(name, key, { until: time, than, max: limit }, whileAsked(reply, closing)),
      );
      const { changes, total, searched, folded, fromSnapshot, missing } = found;
      const last = changes.at(-1);
      return {
        projection: name,
        key,
        until: new Date(time).toISOString(),
        changes: changes.map(changeJson),
        total,
        cursor: last === undefined || total <= changes.length ? null : cursorOf(last),
        searched,
        folded,
        from_snapshot: fromSnapshot,
        missing,
      };
    },
  );

  app.get(
    '/api/v1/projections/:name/changes/progress',
    {
      schema: {
        ...TAGS,
        summary: 'How far the fold is that a question about a document waits for',
        params: ProjectionParams,
        querystring: Type.Object({ key: Key }, { additionalProperties: false }),
        response: { 200: json('The fold.', Progress), ...problems('INVALID_ARGUMENT', 'UNKNOWN_PROJECTION') },
      },
    },
    async ({ params, query: { key } }): Promise<ProgressJson> => ({
      fold: platform.histories.progress(named(params.name).name, key),
    }),
  );
}

/** From the document's own history, if asked to; where that is too wide or does not go back so far, from the whole projection. */
async function stateBefore(
  { histories, stateAt }: Platform,
  { name, key, at, history }: { name: Projection['name']; key: string; at: number; history: boolean },
  signal: AbortSignal,
) {
  if (!history) return fromProjection(stateAt, name, key, at, signal);
  try {
    const { document, folded, fromSnapshot, missing, forgotten, previous, next } = await histories.documentAt(
      name,
      key,
      at,
      signal,
    );
    if (!forgotten)
      return {
        document,
        folded,
        from_snapshot: fromSnapshot,
        missing,
        previous_change: previous,
        next_change: next,
      };
  } catch (error) {
    if (!isKitError(error, 'HISTORY_TOO_WIDE')) throw error;
  }
  return fromProjection(stateAt, name, key, at, signal);
}

function fromProjection(
  stateAt: Platform['stateAt'],
  name: Projection['name'],
  key: string,
  at: number,
  signal: AbortSignal,
) {
  return stateAt.read(
    [name],
    at,
    async (states, origins) => {
      const { fromSnapshot, folded, missing } = origins[name];
      return { document: await states[name].get(key), folded, from_snapshot: fromSnapshot, missing, ...NOT_KNOWN };
    },
    signal,
  );
}

function kindJson({ prefix, id, about, fields = {}, entries }: DocumentKind): KindJson {
  return { prefix, id, about, fields: { ...fields }, entries: entries ?? null };
}

function changeJson({ at, topic, partition, offset, event, fields }: DocumentChange): ChangeJson {
  const { event_id, event_type, user_id, timestamp: event_time } = event;
  const shown = fields.slice(0, MAX_FIELDS);
  return {
    at,
    topic,
    partition,
    offset,
    event_id,
    event_type,
    user_id,
    event_time,
    fields: shown,
    field_count: fields.length,
  };
}

function cursorOf({ at, topic, partition, offset }: DocumentPlace): string {
  return `${at}:${partition}:${offset}:${topic}`;
}

function placeOf(cursor: string): DocumentPlace {
  const [at, partition, offset, topic] = cursor.split(':') as [string, string, string, string];
  return { at: Number(at), topic, partition: Number(partition), offset: Number(offset) };
}
