/** An event as JSON. What is far too large to be one is refused before the page has to lay it out. */
import { useId } from 'preact/hooks';
import { Note } from '../../parts/notes.tsx';
import { utf8Length } from './record-row.ts';
import { tooLarge } from './size-words.ts';

/** Still edited; above it, what is pasted or was written elsewhere is not taken. */
const EDITABLE_FACTOR = 2;

interface EventEditorProps {
  readonly text: string;
  readonly maxBytes: number;
  readonly onText: (text: string) => void;
  readonly onRefused: (why: string) => void;
}

export function EventEditor({ text, maxBytes, onText, onRefused }: EventEditorProps) {
  const id = useId();
  const isEditable = text.length <= maxBytes * EDITABLE_FACTOR;
  const refuse = (pasted: string): boolean => {
    if (pasted.length <= maxBytes * EDITABLE_FACTOR) return false;
    onRefused(`${tooLarge(utf8Length(pasted), maxBytes)} It was not taken.`);
    return true;
  };
  if (!isEditable) return <Note kind="bad">{tooLarge(utf8Length(text), maxBytes)}</Note>;
  return (
    <div class="field">
      <label for={id}>JSON, plain or as a CloudEvent</label>
      <textarea
        id={id}
        class="input"
        rows={18}
        spellcheck={false}
        value={text}
        onPaste={(event) => {
          if (refuse(event.clipboardData?.getData('text/plain') ?? '')) event.preventDefault();
        }}
        onDrop={(event) => {
          if (refuse(event.dataTransfer?.getData('text/plain') ?? '')) event.preventDefault();
        }}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </div>
  );
}
