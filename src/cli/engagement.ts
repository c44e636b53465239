import type { Command } from 'commander';
import { print, printJson, table } from './output.ts';
import type { VerbContext } from './verbs.ts';

interface Engagement {
  readonly content_id: string;
  readonly likes: number;
  readonly shares: number;
  readonly comments: number;
  readonly views: number;
  readonly last_updated: string;
}

export function engagementVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('engagement').description('counters per content');
  context
    .verb(noun, 'get <content-id>', 'likes, shares, comments and views of one content')
    .option('--json', 'print JSON')
    .action(async (contentId: string, flags: { json?: boolean }) => {
      await context.withClient({ consume: true }, async (client) => {
        const answer = await client.request<Engagement>('GET', `/api/v1/engagement/${encodeURIComponent(contentId)}`);
        if (flags.json) return printJson(answer);
        const { content_id, likes, shares, comments, views, last_updated } = answer;
        print(
          table(
            ['content', 'likes', 'shares', 'comments', 'views', 'last updated'],
            [[content_id, likes, shares, comments, views, last_updated]],
          ),
        );
      });
    });
}
