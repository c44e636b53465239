import { Argument, type Command, type Option } from 'commander';
import type { LoadedSettings } from '../config/settings.ts';
import { completionScript, NAMES_VERB, type NamesKind, type Shell, type VerbWords } from './completion-script.ts';
import { kafkaModules, withLog } from './log-access.ts';
import { print } from './output.ts';
import { runningServer } from './running-server.ts';
import { SETTINGS_GROUP, type VerbContext } from './verbs.ts';

/** For the brokers' answer: nobody waits longer for a key that was pressed. */
const PATIENCE_MS = 1_000;
/** A shell expands the words that it is offered: a group may be called `$(reboot)`. */
const HARMLESS = /^[\w.@%+,/-]+$/;

export function completionVerb(program: Command): void {
  program
    .command('completion')
    .description('a script that lets the shell complete verbs, flags, topics and groups')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh']))
    .addHelpText(
      'after',
      '\nIn ~/.bashrc:  source <(streamsocial completion bash)\nIn ~/.zshrc:   source <(streamsocial completion zsh)',
    )
    .action((shell: Shell) => print(completionScript(shell, wordsBelow(program), settingsBelow(program)).trimEnd()));
}

/** Asked by the script while somebody types. */
export function namesVerb(program: Command, context: VerbContext): void {
  context
    .verb(program, `${NAMES_VERB} <kind>`, 'names for the shell', { hidden: true })
    .action(async (kind: NamesKind) => {
      await kafkaModules();
      setTimeout(() => process.exit(), PATIENCE_MS).unref();
      const names = await namesOf(kind, context.loaded).catch(() => []);
      for (const name of names.filter((one) => HARMLESS.test(one))) print(name);
    });
}

async function namesOf(kind: NamesKind, loaded: LoadedSettings): Promise<string[]> {
  const { settings, origins } = loaded;
  const isKafka = settings.log === 'kafka' || origins.kafkaBootstrap.source === 'flag';
  // an embedded log that nobody serves would have to be opened and locked
  if (!isKafka && (await runningServer(settings.dataDir)) === null) return [];
  return await withLog(loaded, async ({ log, admin }) =>
    kind === 'topics'
      ? (await log.describe()).topics.map(({ name }) => name)
      : (await admin.listGroups()).map(({ groupId }) => groupId),
  );
}

function wordsBelow(command: Command, verb = ''): VerbWords[] {
  const { visibleCommands, ownOptions, settings } = visible(command);
  const [argument] = command.registeredArguments;
  const own: VerbWords = {
    verb,
    words: [...visibleCommands.map((one) => one.name()), ...(argument?.argChoices ?? [])],
    names: argument?.name() === 'group' ? 'groups' : null,
    flags: ownOptions.flatMap(flagsOf),
    takesSettings: settings.length > 0,
    values: ownOptions
      .filter((option) => option.required || option.optional)
      .map((option) => ({ flags: flagsOf(option), choices: option.argChoices ?? [], names: namesFor(option) })),
  };
  return [own, ...visibleCommands.flatMap((one) => wordsBelow(one, `${verb}/${one.name()}`))];
}

/** The same for every verb that has any. */
function settingsBelow(command: Command): string[] {
  const flags = visible(command).settings.flatMap(flagsOf);
  return [...new Set([...flags, ...command.commands.flatMap(settingsBelow)])];
}

function visible(command: Command): { visibleCommands: Command[]; ownOptions: Option[]; settings: Option[] } {
  const help = command.createHelp();
  const visibleCommands = help.visibleCommands(command).filter((one) => command.commands.includes(one));
  const options = help.visibleOptions(command);
  return {
    visibleCommands,
    ownOptions: options.filter((one) => one.helpGroupHeading !== SETTINGS_GROUP),
    settings: options.filter((one) => one.helpGroupHeading === SETTINGS_GROUP),
  };
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function namesFor({ long }: Option): NamesKind | null {
  if (long === '--topic') return 'topics';
  return long === '--group' ? 'groups' : null;
}
