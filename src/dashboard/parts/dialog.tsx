/** Questions before something that matters. The browser's own <dialog> keeps the focus inside and closes with Escape. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useTask } from '../use-task.ts';
import { Button, TextField } from './controls.tsx';
import { ProblemNote } from './notes.tsx';

interface DialogProps {
  readonly title: string;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Shown as long as it is rendered. */
export function Dialog({ title, wide = false, onClose, children }: DialogProps) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${wide ? 'wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="inside">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  /** What it will do. */
  readonly children: ComponentChildren;
  /** On the button. */
  readonly action: string;
  readonly danger?: boolean;
  /** Has to be typed first, for what cannot be taken back. */
  readonly word?: string;
  /** Closes the dialog when it succeeds; what it throws is shown. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

export function Confirm({ title, children, action, danger = false, word, onConfirm, onClose }: ConfirmProps) {
  const typed = useSignal('');
  const { busy, problem, run } = useTask();
  const confirm = async () => {
    await run(async () => {
      await onConfirm();
      onClose();
    });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <div>{children}</div>
        {word !== undefined && (
          <TextField
            label={`Type ${word} to confirm`}
            value={typed.value}
            spellcheck={false}
            onInput={(value) => {
              typed.value = value;
            }}
          />
        )}
        {problem.value !== null && <ProblemNote problem={problem.value} />}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind={danger ? 'danger' : 'primary'}
            busy={busy.value}
            disabled={word !== undefined && typed.value !== word}
          >
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
