/** What is asked of the message browser. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import type { EventTypesJson } from '../../../api/event-types.ts';
import { Button, ChoiceField, SelectField, TextField } from '../../parts/controls.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, place } from '../../router.ts';
import { addressOf, type BrowseQuery, fromLocalField, mistakesIn, toLocalField } from './browse-query.ts';
import { PartitionField } from './partition-field.tsx';

interface FormProps {
  readonly asked: BrowseQuery;
  readonly partitions: number | null;
  readonly onAsk: (next: BrowseQuery) => void;
}

export function BrowseForm({ asked, partitions, onAsk }: FormProps) {
  const draft = useSignal(asked);
  const tried = useSignal(false);
  const types = useResource<EventTypesJson>('/api/v1/event-types');
  const mistakes = tried.value ? mistakesIn(draft.value) : {};
  const set = (values: Partial<BrowseQuery>) => {
    draft.value = { ...draft.value, ...values };
  };
  const { order, partition, start, offset, at, key, type, text } = draft.value;
  // another address, as by the way back
  useLayoutEffect(() => {
    draft.value = asked;
  }, [JSON.stringify(asked)]);
  return (
    <form
      class="browse-form"
      aria-label="Search records"
      onSubmit={(event) => {
        event.preventDefault();
        tried.value = true;
        if (Object.keys(mistakesIn(draft.value)).length === 0) onAsk(draft.value);
      }}
    >
      <ChoiceField
        label="First"
        value={order}
        options={[
          { value: 'newest', text: 'Newest' },
          { value: 'oldest', text: 'Oldest' },
        ]}
        onInput={(value) => {
          set({ order: value });
          onAsk({ ...draft.value, order: value });
        }}
      />
      <SelectField
        label="Begin"
        value={start}
        options={[
          { value: 'end', text: order === 'newest' ? 'at the end' : 'at the start' },
          { value: 'time', text: order === 'newest' ? 'before a time' : 'at a time' },
          { value: 'offset', text: 'at an offset' },
        ]}
        onInput={(value) => set({ start: value })}
      />
      {start === 'time' && (
        <TextField
          label="Published (time here)"
          type="datetime-local"
          step={0.001}
          value={toLocalField(at)}
          error={mistakes.at ?? null}
          onInput={(value) => set({ at: fromLocalField(value) })}
        />
      )}
      {start === 'offset' && (
        <TextField
          label="Offset"
          value={offset}
          error={mistakes.offset ?? null}
          onInput={(value) => set({ offset: value.replaceAll(',', '').trim() })}
        />
      )}
      <PartitionField
        value={partition}
        partitions={partitions}
        error={mistakes.partition ?? null}
        onInput={(value) => set({ partition: value })}
      />
      <TextField
        label="Key"
        value={key}
        placeholder="any"
        spellcheck={false}
        onInput={(value) => set({ key: value })}
      />
      <SelectField
        label="Event type"
        value={type}
        options={typeOptions(types.data, type)}
        onInput={(value) => set({ type: value })}
      />
      <TextField
        label="Contains text"
        type="search"
        value={text}
        placeholder="exactly as here"
        spellcheck={false}
        onInput={(value) => set({ text: value })}
      />
      <div class="row">
        <Button type="submit" kind="primary">
          Search
        </Button>
        {Object.values(addressOf(asked)).some((value) => value !== '') && (
          <a href={pathTo(...place.value.segments)}>Clear</a>
        )}
      </div>
    </form>
  );
}

function typeOptions(types: EventTypesJson | null, wanted: string) {
  const known = types?.event_types.map(({ type }) => type) ?? [];
  const all = wanted === '' || known.includes(wanted) ? known : [...known, wanted];
  return [{ value: '', text: 'any' }, ...all.map((type) => ({ value: type, text: type }))];
}
