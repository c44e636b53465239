/**
 * GH Archive hour files (gharchive.org): one GitHub event a line. `docs/events.md` has the table. Three shapes of line:
 * since 2015 (and in 2011) `{id, type, actor: {login}, repo: {name}, payload, created_at}`; from 2012 to 2014
 * `{type, actor: "login", repository: {owner, name}, payload, created_at}`, without an id; before March 2012
 * times such as `2012/03/10 22:00:00 -0800`.
 */
import { createHash } from 'node:crypto';
import type { EventType } from '../events.ts';
import { type ImportLine, readNdjson } from './ndjson.ts';

/** Payloads carry whole issues and comments. */
export const GHARCHIVE_MAX_LINE_BYTES = 1_048_576;
export const GHARCHIVE_SOURCE = 'https://www.gharchive.org/';

/** `ok: null`: a line without a counterpart among our types, by its GitHub type. */
export type GhArchiveLine = ImportLine | { readonly line: number; readonly ok: null; readonly skipped: string };

type Fields = Readonly<Record<string, unknown>>;
type Mapped = { readonly input: Fields } | { readonly skipped: string } | { readonly reason: string };

interface Mapping {
  readonly type: EventType;
  readonly data: (payload: Fields) => Fields;
}

const comment: Mapping = {
  type: 'comment_added',
  data(payload) {
    const { id = payload.comment_id, body } = fields(payload.comment);
    return { ...idField('comment_id', id), ...(typeof body === 'string' ? { length: body.length } : {}) };
  },
};

/** Every other type is skipped: pushes, issues and pull requests are work, which our ten types have no word for. */
export const GHARCHIVE_MAPPINGS: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ['WatchEvent', { type: 'post_liked', data: () => ({}) }],
  [
    'ForkEvent',
    {
      type: 'content_shared',
      data: ({ forkee }) => ({ channel: 'fork', ...idField('fork', fields(forkee).full_name) }),
    },
  ],
  ['IssueCommentEvent', comment],
  ['CommitCommentEvent', comment],
  ['PullRequestReviewCommentEvent', comment],
  [
    'CreateEvent',
    {
      type: 'post_created',
      data: ({ description, ref_type }) => ({
        ...(typeof description === 'string' ? { text: description } : {}),
        ...(typeof ref_type === 'string' ? { tags: [ref_type] } : {}),
      }),
    },
  ],
  ['FollowEvent', { type: 'follow_initiated', data: ({ target }) => idField('target_user_id', fields(target).login) }],
]);

/** @throws KitError UNREADABLE_INPUT as `readNdjson` does */
export async function* readGhArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<GhArchiveLine> {
  for await (const entry of readNdjson(source, { maxLineBytes: GHARCHIVE_MAX_LINE_BYTES })) {
    if (!entry.ok) {
      yield entry;
      continue;
    }
    const { line } = entry;
    const mapped = mapGhArchive(entry.input);
    if ('input' in mapped) yield { line, ok: true, input: mapped.input };
    else if ('skipped' in mapped) yield { line, ok: null, skipped: mapped.skipped };
    else yield { line, ok: false, reason: mapped.reason, raw: Buffer.from(JSON.stringify(entry.input)) };
  }
}

/** One GitHub event in the form `POST /api/v1/events` takes; ids and times stay the source's. */
export function mapGhArchive(event: Fields): Mapped {
  if (typeof event.type !== 'string') return { reason: 'the line has no GitHub event type' };
  const mapping = GHARCHIVE_MAPPINGS.get(event.type);
  if (mapping === undefined) return { skipped: event.type };
  const user = userOf(event);
  const repository = repositoryOf(event);
  if (user === null) return { reason: `${event.type} without an actor` };
  if (repository === null && mapping.type !== 'follow_initiated')
    return { reason: `${event.type} without a repository` };
  return {
    input: {
      event_id: eventId(event),
      event_type: mapping.type,
      user_id: user,
      ...(mapping.type === 'follow_initiated' ? {} : { content_id: repository }),
      timestamp: timestamp(event.created_at),
      data: mapping.data(fields(event.payload)),
      metadata: { source: GHARCHIVE_SOURCE },
    },
  };
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** GitHub's ids are numbers in some years and text in others. */
function idText(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function idField(name: string, value: unknown): Fields {
  const text = idText(value);
  return text === null ? {} : { [name]: text };
}

function userOf({ actor, actor_attributes }: Fields): string | null {
  return (
    idText(actor) ?? idText(fields(actor).login) ?? idText(fields(actor_attributes).login) ?? idText(fields(actor).id)
  );
}

function repositoryOf({ repo, repository }: Fields): string | null {
  const { owner, name } = fields(repository);
  if (typeof owner === 'string' && typeof name === 'string') return `${owner}/${name}`;
  return idText(fields(repo).name);
}

/** Lines of 2012-2014 have no id: the same line always gets the same one. */
function eventId(event: Fields): string {
  return idText(event.id) ?? `gh-${createHash('sha256').update(JSON.stringify(event)).digest('hex').slice(0, 32)}`;
}

function timestamp(createdAt: unknown): unknown {
  if (typeof createdAt !== 'string') return createdAt;
  return createdAt.replace(/^(\d{4})\/(\d\d)\/(\d\d) (\S+) ([+-]\d\d):?(\d\d)$/, '$1-$2-$3T$4$5:$6');
}
