/** An event as a form, from its schema; what is wrong with a field is said beside it. */
import type { EventTypesJson } from '../../../api/event-types.ts';
import { SelectField, TextField } from '../../parts/controls.tsx';
import { Note } from '../../parts/notes.tsx';
import type { Check } from './event-check.ts';
import { fieldsOf, parseEvent, readField, writeField } from './event-form.ts';

interface EventFieldsProps {
  readonly type: EventTypesJson['event_types'][number];
  readonly text: string;
  readonly check: Check;
  readonly onText: (text: string) => void;
}

export function EventFields({ type, text, check, onText }: EventFieldsProps) {
  const parsed = parseEvent(text);
  if (!parsed.ok)
    return (
      <Note kind="warn">
        What is written is not JSON, so that it has no fields. Correct it as JSON, or go back to the example.
      </Note>
    );
  const { event } = parsed;
  const errors = check.state === 'invalid' ? check.answer.errors : [];
  return (
    <div class="event-fields">
      {fieldsOf(type.schema).map((field) => {
        const { path, label, kind, required, choices } = field;
        const error = errors.find((one) => one.path === path || one.path.startsWith(`${path}/`))?.message ?? null;
        const common = {
          label: required ? `${label} (needed)` : label,
          value: readField(event, field),
          error,
          onInput: (value: string) => onText(JSON.stringify(writeField(event, field, value), null, 2)),
        };
        if (kind === 'choice')
          return (
            <SelectField
              key={path}
              {...common}
              options={[...(required ? [] : ['']), ...choices].map((value) => ({ value, text: value || '–' }))}
            />
          );
        const hint = kind === 'list' ? 'Separated by commas.' : HINTS[path];
        return <TextField key={path} {...common} spellcheck={false} {...(hint === undefined ? {} : { hint })} />;
      })}
    </div>
  );
}

const HINTS: Readonly<Record<string, string>> = {
  '/event_id': 'Empty: the server makes one. The same id counts once.',
  '/timestamp': 'Empty: now. Else as 2026-05-27T14:00:00Z.',
};
