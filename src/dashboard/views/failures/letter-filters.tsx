/** Choosing among dead letters; all of it is in the address. */
import type { DeadLetterGroupsJson } from '../../../api/dead-letter-groups.ts';
import { ChoiceField, SelectField, TextField } from '../../parts/controls.tsx';
import { useResource } from '../../resource.ts';
import { setQuery } from '../../router.ts';
import { type LetterFilter, RANGES, REPLAYED, type Replayed } from './letters-query.ts';

const POLL_MS = 10_000;

interface FiltersProps {
  readonly filter: LetterFilter;
  readonly defaultReplayed: Replayed;
  /** False where code, topic and group are chosen already. */
  readonly kinds?: boolean;
}

export function LetterFilters({ filter, defaultReplayed, kinds = true }: FiltersProps) {
  // of all, whatever is chosen: else nothing else could be
  const all = useResource<DeadLetterGroupsJson>(kinds ? '/api/v1/dlq/groups?buckets=2' : null, { everyMs: POLL_MS });
  const groups = all.data?.groups ?? [];
  return (
    <div class="failure-filters">
      <TextField
        label="Find"
        type="search"
        placeholder="key, reason or place"
        value={filter.text}
        spellcheck={false}
        onInput={(q) => setQuery({ q })}
      />
      {kinds && (
        <>
          <Choice label="Code" name="code" value={filter.code} of={groups.map(({ code }) => code)} />
          <Choice label="Topic" name="topic" value={filter.topic} of={groups.map(({ topic }) => topic)} />
          <Choice label="Group" name="group" value={filter.group} of={groups.map(({ group }) => group)} />
        </>
      )}
      <ChoiceField
        label="State"
        value={filter.replayed}
        options={REPLAYED}
        onInput={(replayed) => setQuery({ replayed: replayed === defaultReplayed ? null : replayed })}
      />
      <ChoiceField
        label="Set aside in the last"
        value={filter.range}
        options={RANGES}
        onInput={(range) => setQuery({ range: range === 'all' ? null : range })}
      />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly of: readonly string[];
}

function Choice({ label, name, value, of }: ChoiceProps) {
  const values = [...new Set(value === '' ? of : [...of, value])].sort();
  return (
    <SelectField
      label={label}
      value={value}
      options={[{ value: '', text: 'every' }, ...values.map((one) => ({ value: one, text: one }))]}
      onInput={(chosen) => setQuery({ [name]: chosen })}
    />
  );
}
