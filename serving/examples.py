"""Examples."""
EXAMPLES = {k: {} for k in ("score","score_rows","worklist","explain","score_response","worklist_response","explain_response","error")}
