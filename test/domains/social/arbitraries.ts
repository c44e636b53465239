import fc from 'fast-check';
import { EVENT_TYPES, type EventType, type SocialEvent } from '../../../src/domains/social/events.ts';
import { isId } from '../../../src/kit/schemas/formats.ts';

/** Any text that is an id: ASCII, multi-byte, astral; short and at the limit. */
export const id: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.uuid() },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(isId) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }).map((n) => 'x'.repeat(n + 1)) },
  { weight: 1, arbitrary: fc.constantFrom('a b', '../../etc', '{braces}', '%41', 'é'.repeat(128), '😀'.repeat(64)) },
);

/** Every form RFC 3339 allows that we take: offsets, fractions, lower case. */
export const timestamp: fc.Arbitrary<string> = fc
  .record({
    at: fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('2026-01-01T00:00:00Z'), noInvalidDate: true }),
    fraction: fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^\d{1,9}$/).map((d) => `.${d}`),
    ),
    zone: fc.oneof(fc.constantFrom('Z', 'z', '-00:00'), fc.stringMatching(/^[+-](?:0\d|1\d|2[0-3]):[0-5]\d$/)),
    separator: fc.constantFrom('T', 't'),
  })
  .map(({ at, fraction, zone, separator }) => {
    const text = at.toISOString();
    return `${text.slice(0, 10)}${separator}${text.slice(11, 19)}${fraction}${zone}`;
  });

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const extra = fc.dictionary(fc.string({ maxLength: 12 }), json, { maxKeys: 3 });
const optional = { requiredKeys: [] as [] };

const DATA: Readonly<Record<EventType, fc.Arbitrary<Record<string, unknown>>>> = {
  user_registered: fc.record({ handle: fc.string(), display_name: fc.string({ unit: 'binary' }) }, optional),
  post_created: fc.record({ text: fc.string({ unit: 'grapheme' }), tags: fc.array(fc.string()) }, optional),
  profile_updated: fc.record({ fields: fc.array(fc.string()) }, optional),
  follow_initiated: fc.record({ target_user_id: id }),
  comment_added: fc.record({ comment_id: id, text: fc.string(), length: fc.nat() }, optional),
  post_liked: fc.constant({}),
  content_shared: fc.record({ channel: fc.string() }, optional),
  story_viewed: fc.record({ duration_ms: fc.nat() }, optional),
  content_moderated: fc.record(
    { action: fc.constantFrom('hidden', 'removed', 'restored'), reason: fc.string() },
    { requiredKeys: ['action'] },
  ),
  session_expired: fc.record({ session_id: id, reason: fc.string() }, optional),
};

const metadata = fc.record(
  {
    source: fc.constantFrom('/streamsocial', 'https://example.org/app?x=1#y', 'urn:a:b', '%C3%A9'),
    schema_version: fc.constantFrom('1', '2', '10'),
    correlation_id: id,
    causation_id: id,
    traceparent: fc.constant('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
  },
  { requiredKeys: ['source', 'schema_version'] },
);

export const WITHOUT_CONTENT: readonly EventType[] = [
  'user_registered',
  'profile_updated',
  'follow_initiated',
  'session_expired',
];

/** Any valid event of any of the ten types, with unknown fields in `data`. */
export const socialEvent: fc.Arbitrary<SocialEvent> = fc.constantFrom(...EVENT_TYPES).chain((type) =>
  fc
    .record({ event_id: id, user_id: id, content_id: id, timestamp, data: DATA[type], more: extra, metadata })
    .map(({ content_id, more, data, ...rest }) => {
      // Known fields win over unknown ones of the same name.
      const known = Object.fromEntries(Object.entries(more).filter(([name]) => !KNOWN_NAMES.has(name)));
      const event = { ...rest, event_type: type, data: { ...known, ...data } };
      return JSON.parse(
        JSON.stringify(WITHOUT_CONTENT.includes(type) ? event : { ...event, content_id }),
      ) as SocialEvent;
    }),
);

const KNOWN_NAMES = new Set(
  ['handle', 'display_name', 'text', 'tags', 'fields', 'target_user_id', 'comment_id', 'length', 'channel'].concat([
    'duration_ms',
    'action',
    'reason',
    'session_id',
  ]),
);
