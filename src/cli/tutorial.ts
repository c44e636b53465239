import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { isKitError, KitError } from '../kit/errors.ts';
import { print, printJson } from './output.ts';
import { untilSignal } from './signals.ts';
import { Stage } from './tutorial-stage.ts';
import { type Crew, type Outcome, STEPS, type Step } from './tutorial-steps.ts';
import type { VerbContext } from './verbs.ts';

interface TutorialFlags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

type Ended = 'done' | 'left' | 'failed';

export function tutorialVerb(program: Command, context: VerbContext): void {
  context
    .verb(program, 'tutorial', 'a first lesson on an event log, on one of its own: each step shown, run and checked')
    .option('--yes', 'go through without asking, as without a terminal')
    .option('--json', 'one JSON object a step')
    .addHelpText('after', `\nSteps:\n${STEPS.map(({ name }, index) => `  ${index + 1}. ${name}`).join('\n')}`)
    .action(async (flags: TutorialFlags) => {
      const startedAt = performance.now();
      const passed = await play(flags);
      const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1));
      if (flags.json) printJson({ steps: STEPS.length, passed: passed.steps, ended: passed.ended, seconds });
      else print(`${passed.steps} of ${STEPS.length} steps, each checked, in ${seconds} s`);
      if (passed.ended === 'failed')
        throw new KitError('VERDICT_NOT_MET', `Step ${passed.steps + 1} did not do what it says`);
    });
}

async function play(flags: TutorialFlags): Promise<{ steps: number; ended: Ended }> {
  const asks = process.stdin.isTTY === true && process.stdout.isTTY === true && !flags.yes && !flags.json;
  const stopped = untilSignal().then(() => 'left' as const);
  await using stage = await Stage.open();
  if (!flags.json) print(opening(stage, asks));
  const crew: Crew = { members: [] };
  for (const [index, step] of STEPS.entries()) {
    if (asks && (await goesOn(stopped)) === 'left') return { steps: index, ended: 'left' };
    const ended = await Promise.race([run(stage, crew, step, index, flags), stopped]);
    if (ended !== 'done') return { steps: index, ended };
  }
  return { steps: STEPS.length, ended: 'done' };
}

async function run(stage: Stage, crew: Crew, step: Step, index: number, flags: TutorialFlags): Promise<Ended> {
  const { name, what, why } = step;
  if (!flags.json) print(`\n${index + 1}/${STEPS.length}  ${name}\n     ${what}\n     ${why}`);
  const outcome = await step.play(stage, crew).catch(failure);
  if (stage.closed) return 'left';
  const { shown, check } = outcome;
  if (flags.json) {
    const commands = shown.map(({ command, output, exitCode }) => ({ command, output, exit_code: exitCode }));
    printJson({ step: index + 1, name, ok: check.ok, fact: check.fact, commands });
  } else {
    for (const { command, output } of shown) print(`\n  $ ${command}${indented(output)}`);
    print(`\n  ${check.ok ? '✓' : '✗'} ${check.fact}`);
  }
  return check.ok ? 'done' : 'failed';
}

/** What broke a step is its result. */
function failure(error: unknown): Outcome {
  if (!isKitError(error)) throw error;
  return { shown: [], check: { ok: false, fact: `${error.message} (${error.code})` } };
}

function opening(stage: Stage, asks: boolean): string {
  const keys = asks ? ' Enter goes on, q quits.' : '';
  return (
    `A first lesson on an event log, on an embedded one in a temporary directory that goes away at the end.\n` +
    `While it runs, every command can be typed in another terminal too: the log speaks Kafka's protocol at ${stage.bootstrap}.${keys}`
  );
}

async function goesOn(stopped: Promise<'left'>): Promise<'on' | 'left'> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<'left'>((resolve) => prompt.once('close', () => resolve('left')));
  try {
    const answered = prompt.question('\nEnter goes on, q quits: ').then((answer) => {
      return answer.trim().toLowerCase().startsWith('q') ? 'left' : 'on';
    });
    return await Promise.race([answered, Promise.race([closed, stopped]).then(unanswered)]);
  } finally {
    prompt.close();
  }
}

/** What is printed next begins a line. */
function unanswered(left: 'left'): 'left' {
  print('');
  return left;
}

function indented(text: string): string {
  return text === '' ? '' : `\n${text}`.replaceAll('\n', '\n  ');
}
