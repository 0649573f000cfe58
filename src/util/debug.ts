/** Whether inner loops check what they take for granted: in tests (RESPITE_DEBUG=1), never else. */
export const debugging: boolean = process.env['RESPITE_DEBUG'] === '1';
