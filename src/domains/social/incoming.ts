/** From what others send (plain JSON, CloudEvents) to a checked event. Nothing here throws: errors are values. */
import type { CloudEvent } from '../../kit/schemas/cloud-events.ts';
import { type FieldError, UNKNOWN_FIELD } from '../../kit/schemas/contract.ts';
import { isJsonObject } from '../../kit/schemas/record-json.ts';
import {
  CURRENT_SCHEMA_VERSION,
  DEFAULT_SOURCE,
  DEFINITIONS,
  EVENT_TYPES,
  type EventDefinition,
  type SocialEvent,
} from './events.ts';

/** An event that may lack anything and hold anything. */
export type Draft = Readonly<Record<string, unknown>>;

export interface Refusal {
  readonly ok: false;
  readonly code: 'UNKNOWN_EVENT_TYPE' | 'INVALID_ID' | 'INVALID_EVENT';
  readonly message: string;
  readonly errors: readonly FieldError[];
}

export type Checked =
  | { readonly ok: true; readonly event: SocialEvent; readonly definition: EventDefinition }
  | Refusal;

/** What the source may leave out. */
export interface Fallback {
  id(): string;
  timestamp(): string;
}

const ID_PATHS = new Set(['/event_id', '/user_id', '/content_id']);
const SCHEMA_URN = 'urn:streamsocial:schema:';

/** Where a field of the plain form stands in a CloudEvent. */
const ATTRIBUTE_OF: Readonly<Record<string, string>> = {
  '/event_id': '/id',
  '/event_type': '/type',
  '/user_id': '/userid',
  '/content_id': '/contentid',
  '/timestamp': '/time',
  '/metadata/source': '/source',
  '/metadata/schema_version': '/dataschema',
  '/metadata/correlation_id': '/correlationid',
  '/metadata/causation_id': '/causationid',
  '/metadata/traceparent': '/traceparent',
};
const KNOWN_ATTRIBUTES = new Set([
  ...Object.values(ATTRIBUTE_OF).map((path) => path.slice(1)),
  'specversion',
  'subject',
  'datacontenttype',
]);

export function refuse(errors: readonly FieldError[], code: Refusal['code'] = 'INVALID_EVENT'): Refusal {
  const message = errors
    .map(({ path, message }) => `${path === '' ? 'the event' : path.slice(1)} ${message}`)
    .join('; ');
  return { ok: false, code, message, errors };
}

/** The URI in `dataschema`. */
export function schemaUri(type: string, version: string): string {
  return `${SCHEMA_URN}${type}:${version}`;
}

function schemaVersion(type: string, uri: string | undefined): string {
  const prefix = schemaUri(type, '');
  return uri?.startsWith(prefix) ? uri.slice(prefix.length) : CURRENT_SCHEMA_VERSION;
}

/**
 * The plain form of a CloudEvent. `subject` stands in for the id it names, and has to agree with it.
 *
 * @param extraAttributes on the log other programs may have added some on the way; over HTTP they are unknown fields
 */
export function checkCloudEvent(
  { attributes, data }: CloudEvent,
  fallback: Fallback,
  extraAttributes: 'ignored' | 'refused',
): Checked {
  const { id, type = '', time, subject, source, dataschema, userid, contentid } = attributes;
  const { correlationid, causationid, traceparent } = attributes;
  const hasContent = DEFINITIONS.get(type)?.hasContent ?? false;

  const metadata: Record<string, unknown> = { source, schema_version: schemaVersion(type, dataschema) };
  if (correlationid !== undefined) metadata.correlation_id = correlationid;
  if (causationid !== undefined) metadata.causation_id = causationid;
  if (traceparent !== undefined) metadata.traceparent = traceparent;

  const userId = userid ?? (hasContent ? undefined : subject);
  const contentId = contentid ?? (hasContent ? subject : undefined);
  const draft: Record<string, unknown> = { event_id: id, event_type: type, data, metadata };
  if (userId !== undefined) draft.user_id = userId;
  if (contentId !== undefined) draft.content_id = contentId;
  if (time !== undefined) draft.timestamp = time;

  if (extraAttributes === 'refused') {
    const unknown = Object.keys(attributes).filter((name) => !KNOWN_ATTRIBUTES.has(name));
    if (unknown.length > 0) return refuse(unknown.map((name) => ({ path: `/${name}`, message: UNKNOWN_FIELD })));
  }
  const checked = checkDraft(draft, fallback);
  if (!checked.ok) {
    const errors = checked.errors.map(({ path, message }) => ({ path: ATTRIBUTE_OF[path] ?? path, message }));
    return checked.code === 'UNKNOWN_EVENT_TYPE' ? { ...checked, errors } : refuse(errors, checked.code);
  }
  if (subject !== undefined && subject !== (hasContent ? contentId : userId)) {
    return refuse([{ path: '/subject', message: `must equal ${hasContent ? 'contentid' : 'userid'}` }]);
  }
  return checked;
}

/** Fills in what may be left out, then checks against the type's schema. */
export function checkDraft(draft: Draft, fallback: Fallback): Checked {
  const definition = typeof draft.event_type === 'string' ? DEFINITIONS.get(draft.event_type) : undefined;
  if (definition === undefined) return unknownType(draft.event_type);
  const event = complete(draft, fallback);
  if (definition.contract.check(event)) return { ok: true, event, definition };

  const errors = definition.contract.errors(event).map(({ path, message }) => {
    const refused = path === '/content_id' && message === UNKNOWN_FIELD;
    return { path, message: refused ? `is not taken by ${definition.type}` : message, refused };
  });
  const onlyIds = errors.every(({ path, refused }) => ID_PATHS.has(path) && !refused);
  const plain = errors.map(({ path, message }) => ({ path, message }));
  return refuse(plain, onlyIds ? 'INVALID_ID' : 'INVALID_EVENT');
}

function unknownType(given: unknown): Refusal {
  let what = 'must be a string';
  if (given === undefined || given === '') what = 'is required';
  else if (typeof given === 'string') what = `"${given.slice(0, 64)}" is not known`;
  const message = `${what}: it has to be one of ${EVENT_TYPES.join(', ')}`;
  return { ...refuse([{ path: '/event_type', message }]), code: 'UNKNOWN_EVENT_TYPE' };
}

function complete(draft: Draft, fallback: Fallback): Draft {
  const { event_id, timestamp, data, metadata } = draft;
  return {
    ...draft,
    event_id: event_id === undefined ? fallback.id() : event_id,
    timestamp: timestamp === undefined ? fallback.timestamp() : timestamp,
    data: data === undefined ? {} : data,
    metadata:
      metadata === undefined || isJsonObject(metadata)
        ? { source: DEFAULT_SOURCE, schema_version: CURRENT_SCHEMA_VERSION, ...metadata }
        : metadata,
  };
}
