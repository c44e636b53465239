import { Empty } from '../../parts/notes.tsx';
import { Code, Copy } from '../../parts/values.tsx';

interface ConnectHintProps {
  /** Null where the log does not speak Kafka's protocol. */
  readonly bootstrap: string | null;
  readonly group?: string;
  readonly title?: string;
}

/** How somebody else's group comes about. */
export function ConnectHint({ bootstrap, group = 'mygroup', title = 'No groups of others yet' }: ConnectHintProps) {
  const command = `kcat -b ${bootstrap} -G ${group} content-interactions`;
  if (bootstrap === null)
    return (
      <Empty title="No group of others can connect">
        <p>
          The embedded log is closed to clients of the Kafka protocol. Start the server with{' '}
          <code>--broker-port 9092</code> to open it.
        </p>
      </Empty>
    );
  return (
    <Empty title={title}>
      <p>Any Kafka client can read along as a group of its own. Connect one:</p>
      <div class="row connect-command">
        <Code text={command} label="command that connects a group" />
        <Copy text={command} what="the command" />
      </div>
    </Empty>
  );
}
