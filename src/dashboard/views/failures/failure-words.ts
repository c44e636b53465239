/** What an error code of a dead letter means, for who has never seen one. Pure. */

export interface FailureWords {
  /** One line: what happened. */
  readonly title: string;
  /** What to do next. */
  readonly advice: string;
}

const WORDS: Readonly<Record<string, FailureWords>> = {
  NULL_VALUE: {
    title: 'The record has no value, so there is no event in it.',
    advice: 'Write a value into the copy, if you know what it should have been; else leave it.',
  },
  NOT_JSON: {
    title: 'The value is not JSON: it cannot be read at all.',
    advice: 'Complete or correct the copy; it is checked as you type.',
  },
  SCHEMA_MISMATCH: {
    title: 'The value is JSON, but not what its event type says.',
    advice: 'Correct the fields that the reason names, in the copy; it is checked as you type.',
  },
  UNKNOWN_EVENT_TYPE: {
    title: 'Its event type is none of the ten.',
    advice: 'Correct event_type in the copy, or leave it: it may be meant for another system.',
  },
  WRONG_TOPIC: {
    title: 'The event belongs on another topic: here nobody counts it.',
    advice: 'A replay goes to the topic it came from. Publish the event anew, where it belongs.',
  },
  MISSING_KEY: {
    title: 'The record has no key, so its order is not known.',
    advice: 'Give the copy a key: the content id, or the user id where there is no content.',
  },
  KEY_MISMATCH: {
    title: 'The record has the key of something else than its event.',
    advice: 'Give the copy the right key: the content id, or the user id where there is no content.',
  },
  RETRIES_EXHAUSTED: {
    title: 'The event can be read, but its handler failed at every attempt.',
    advice: 'Remove the cause, then replay it as it is.',
  },
  REFUSED_BY_HANDLER: {
    title: 'The handler read the event and refused it.',
    advice: 'The reason says why. Correct the copy, or leave it.',
  },
  HANDLER_FAILED: {
    title: 'The handler broke on this event.',
    advice: 'Correct the handler, then replay it as it is.',
  },
  INVALID_DELTA: {
    title: 'What the handler made of the event cannot be stored.',
    advice: 'Correct the projection, then replay it as it is.',
  },
  PARKED_RECORD_GONE: {
    title: 'The record was removed from the log while it waited for its next attempt.',
    advice: 'Its bytes are gone. A replay needs a value that you write.',
  },
  NOTICE_REFUSED: {
    title: 'The webhook refused the notice for good.',
    advice: 'Correct the webhook, then replay it as it is.',
  },
  DECODE_FAILED: {
    title: 'The program that reads records broke on this one.',
    advice: 'Correct the codec, then replay it as it is.',
  },
};

export function wordsOf(code: string): FailureWords {
  return (
    WORDS[code] ?? {
      title: `It was given up with the code ${code}.`,
      advice: 'The reason says why, as far as it is known.',
    }
  );
}

/** Where in the text the parser stopped, if the reason says so: V8's `at position 17`, or the end of the input. */
export function faultAt(reason: string, text: string): number | null {
  const position = /at position (\d+)/.exec(reason)?.[1];
  if (position !== undefined) return Math.min(Number(position), text.length);
  return /end of JSON input/.test(reason) ? text.length : null;
}

/** The event's id as far as it can be seen in what may be unreadable; null where it cannot. */
export function eventIdIn(
  headers: readonly { readonly name: string; readonly value: string | null; readonly encoding: string }[],
  text: string | null,
): string | null {
  const header = headers.findLast(({ name, encoding }) => name === 'ce_id' && encoding === 'utf-8')?.value;
  if (header !== undefined && header !== null) return header;
  const found = /"event_id"\s*:\s*("(?:[^"\\]|\\.){1,300}")/.exec(text ?? '')?.[1];
  if (found === undefined) return null;
  try {
    return JSON.parse(found) as string;
  } catch {
    return null;
  }
}
