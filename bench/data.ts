/** What servers are filled with: sequences of commands, made as they are sent. */
export type Command = readonly string[];

/** Elements that one command adds where commands take many. */
const PER_COMMAND = 100;

/** One command per index. */
export function* each(count: number, command: (index: number) => Command): Iterable<Command> {
  for (let i = 0; i < count; i++) yield command(i);
}

/** Commands that add `count` elements, many by each; an element is one or more arguments. */
export function* many(
  head: Command,
  count: number,
  element: (index: number) => Command,
): Iterable<Command> {
  for (let i = 0; i < count; ) {
    const command = [...head];
    for (const end = Math.min(i + PER_COMMAND, count); i < end; i++) command.push(...element(i));
    yield command;
  }
}

/** The form that redis-benchmark gives `__rand_int__`. */
export function digits(index: number): string {
  return String(index).padStart(12, '0');
}
