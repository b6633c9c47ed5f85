"""The pages of the books about the merchant's money: moves, fees, settlements, refunds.

The views are what a bill reads. A tester may date a payment back, so no balance is written down:
it is the sum of the moves before, in the order of time.
"""

MONEY_SCHEMA = """
CREATE TABLE IF NOT EXISTS move (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL CHECK (account IN ('BASIC', 'OPERATION', 'FEES')),
    at_s INTEGER NOT NULL, business_no TEXT NOT NULL, flow_no TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, kind TEXT NOT NULL, fen INTEGER NOT NULL CHECK (fen <> 0),
    note TEXT NOT NULL, voucher_no TEXT NOT NULL,
    fresh_fen INTEGER NOT NULL, topped_fen INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS ix_move_account ON move (account, at_s);
CREATE INDEX IF NOT EXISTS ix_move_business ON move (business_no);
CREATE VIEW IF NOT EXISTS billed_move AS
    SELECT account, seq, at_s, business_no, flow_no, name, kind, fen,
        sum(fen) OVER (PARTITION BY account ORDER BY at_s, seq) AS balance_fen, note, voucher_no
    FROM move;
CREATE TABLE IF NOT EXISTS order_fee (
    out_trade_no TEXT PRIMARY KEY REFERENCES pay_order,
    fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0), rate TEXT NOT NULL);
CREATE VIEW IF NOT EXISTS billed_fee AS SELECT out_trade_no, fee_fen, rate FROM order_fee;
CREATE TABLE IF NOT EXISTS settlement (
    day TEXT PRIMARY KEY, fen INTEGER NOT NULL CHECK (fen >= 0), at_s INTEGER NOT NULL,
    flow_no TEXT);
CREATE TABLE IF NOT EXISTS refund (
    refund_id TEXT PRIMARY KEY, out_refund_no TEXT NOT NULL UNIQUE, request TEXT NOT NULL,
    out_trade_no TEXT NOT NULL REFERENCES pay_order, fen INTEGER NOT NULL CHECK (fen > 0),
    fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0), notify_url TEXT NOT NULL,
    funds_account TEXT NOT NULL, received_by TEXT NOT NULL, accepted_s INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PROCESSING', 'SUCCESS', 'ABNORMAL', 'CLOSED')),
    outcome TEXT NOT NULL CHECK (outcome IN ('SUCCESS', 'ABNORMAL', 'CLOSED')),
    due_s INTEGER NOT NULL, success_s INTEGER);
CREATE INDEX IF NOT EXISTS ix_refund_order ON refund (out_trade_no);
CREATE INDEX IF NOT EXISTS ix_refund_accepted ON refund (accepted_s);
CREATE INDEX IF NOT EXISTS ix_refund_due ON refund (due_s) WHERE status = 'PROCESSING';
CREATE VIEW IF NOT EXISTS billed_refund AS
    SELECT out_trade_no, refund_id, out_refund_no, fen, fee_fen, status, accepted_s, success_s
    FROM refund;
"""
