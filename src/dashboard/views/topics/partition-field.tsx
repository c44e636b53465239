import { SelectField, TextField } from '../../parts/controls.tsx';

const MAX_LISTED = 200;

interface PartitionFieldProps {
  /** '': all of them. */
  readonly value: string;
  /** How many there are; null: not known. */
  readonly partitions: number | null;
  readonly error: string | null;
  readonly onInput: (value: string) => void;
}

/** A choice where they can be listed, a number where there are too many. */
export function PartitionField({ value, partitions, error, onInput }: PartitionFieldProps) {
  if (partitions === null || partitions > MAX_LISTED)
    return (
      <TextField
        label="Partition"
        value={value}
        placeholder="all"
        error={error}
        onInput={(text) => onInput(text.trim())}
      />
    );
  const each = Array.from({ length: partitions }, (_, index) => ({ value: String(index), text: String(index) }));
  return (
    <SelectField
      label="Partition"
      value={value}
      error={error}
      options={[{ value: '', text: 'all' }, ...each]}
      onInput={onInput}
    />
  );
}
