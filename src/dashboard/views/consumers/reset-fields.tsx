import type { Group } from '../../../api/group-schemas.ts';
import { ChoiceField, SelectField, TextField } from '../../parts/controls.tsx';
import { setQuery } from '../../router.ts';
import { type FieldErrors, localTime, type ResetForm, TARGETS, type Target } from './reset-model.ts';

interface ResetFieldsProps {
  readonly group: Group;
  readonly form: ResetForm;
  readonly errors: FieldErrors;
}

const MEANINGS: Readonly<Record<Target, string>> = {
  earliest: 'The first record that is kept: everything is read again.',
  latest: 'The end: what waits is skipped.',
  time: 'The first record that was written at this time or later; the end where there is none.',
  offset: 'The same offset in every partition that is chosen.',
  shift: 'So many records ahead of where it is, or back.',
};

/** The address has what is typed. */
export function ResetFields({ group: { topics, group }, form, errors }: ResetFieldsProps) {
  const set = (values: Partial<Record<keyof ResetForm, string>>) => setQuery(values);
  return (
    <>
      <div class="row">
        <ChoiceField
          label="Go on at"
          value={form.to}
          options={TARGETS}
          onInput={(to) =>
            set({ to, ...(to === 'time' && form.time === '' ? { time: localTime(Date.now() - 3_600_000) } : {}) })
          }
        />
        {form.to === 'time' && (
          <TextField
            label="Time, here"
            type="datetime-local"
            step={1}
            value={form.time}
            error={errors.time ?? null}
            onInput={(time) => set({ time })}
          />
        )}
        {form.to === 'offset' && (
          <TextField
            label="Offset"
            type="number"
            min={0}
            value={form.offset}
            error={errors.offset ?? null}
            onInput={(offset) => set({ offset })}
          />
        )}
        {form.to === 'shift' && (
          <TextField
            label="Records; negative: back"
            type="number"
            value={form.by}
            error={errors.by ?? null}
            onInput={(by) => set({ by })}
          />
        )}
      </div>
      <p class="small muted">{MEANINGS[form.to]}</p>
      <div class="row">
        <SelectField
          label="In"
          value={form.topic}
          options={[
            { value: '', text: `every partition that ${group} has an offset of` },
            ...topics.map((value) => ({ value, text: value })),
          ]}
          onInput={(topic) => set({ topic })}
        />
        {form.topic !== '' && (
          <TextField
            label="Partitions"
            placeholder="all"
            hint="such as 0,2-5; empty: all of them"
            value={form.partitions}
            error={errors.partitions ?? null}
            onInput={(partitions) => set({ partitions })}
          />
        )}
      </div>
    </>
  );
}
