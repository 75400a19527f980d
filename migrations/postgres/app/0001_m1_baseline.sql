-- m1 baseline: the bar's schema as its pilot runs it
-- Revision ID: 0001_m1_baseline
-- Revises:
-- Create Date: 2026-02-21
-- Phase: expand

-- tapline: upgrade
CREATE TABLE audit_logs (
    log_id uuid NOT NULL,
    actor_id varchar,
    action varchar NOT NULL,
    target_entity varchar,
    target_id varchar,
    details text,
    "timestamp" timestamptz DEFAULT now(),
    CONSTRAINT audit_logs_pkey PRIMARY KEY (log_id)
);
CREATE INDEX ix_audit_logs_action ON audit_logs (action);

CREATE TABLE beverages (
    beverage_id uuid NOT NULL,
    name varchar(100) NOT NULL,
    brewery varchar(100),
    style varchar(50),
    abv numeric(4,2),
    sell_price_per_liter numeric(10,2) NOT NULL,
    CONSTRAINT beverages_pkey PRIMARY KEY (beverage_id)
);
CREATE UNIQUE INDEX ix_beverages_name ON beverages (name);

CREATE TABLE controllers (
    controller_id varchar(50) NOT NULL,
    ip_address varchar(45) NOT NULL,
    firmware_version varchar(20),
    created_at timestamptz DEFAULT now(),
    last_seen timestamptz DEFAULT now(),
    CONSTRAINT controllers_pkey PRIMARY KEY (controller_id)
);
CREATE INDEX ix_controllers_controller_id ON controllers (controller_id);

CREATE TABLE guests (
    guest_id uuid NOT NULL,
    last_name varchar(50) NOT NULL,
    first_name varchar(50) NOT NULL,
    patronymic varchar(50),
    phone_number varchar(20) NOT NULL,
    date_of_birth date NOT NULL,
    id_document varchar(100) NOT NULL,
    balance numeric(10,2) NOT NULL,
    is_active boolean NOT NULL,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    CONSTRAINT guests_pkey PRIMARY KEY (guest_id),
    CONSTRAINT guests_phone_number_key UNIQUE (phone_number)
);
CREATE INDEX ix_guests_id_document ON guests (id_document);
CREATE INDEX ix_guests_last_name ON guests (last_name);

CREATE TABLE system_states (
    key varchar(50) NOT NULL,
    value varchar(255) NOT NULL,
    CONSTRAINT system_states_pkey PRIMARY KEY (key)
);
CREATE INDEX ix_system_states_key ON system_states (key);

CREATE TABLE cards (
    card_uid varchar(50) NOT NULL,
    guest_id uuid,
    status varchar(20) NOT NULL,
    created_at timestamptz DEFAULT now(),
    CONSTRAINT cards_pkey PRIMARY KEY (card_uid),
    CONSTRAINT cards_guest_id_fkey FOREIGN KEY (guest_id) REFERENCES guests (guest_id)
);
CREATE INDEX ix_cards_guest_id ON cards (guest_id);
CREATE INDEX ix_cards_status ON cards (status);

CREATE TABLE kegs (
    keg_id uuid NOT NULL,
    beverage_id uuid NOT NULL,
    initial_volume_ml integer NOT NULL,
    current_volume_ml integer NOT NULL,
    purchase_price numeric(10,2) NOT NULL,
    status varchar(20) NOT NULL,
    tapped_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz DEFAULT now(),
    CONSTRAINT kegs_pkey PRIMARY KEY (keg_id),
    CONSTRAINT kegs_beverage_id_fkey FOREIGN KEY (beverage_id) REFERENCES beverages (beverage_id)
);
CREATE INDEX ix_kegs_beverage_id ON kegs (beverage_id);
CREATE INDEX ix_kegs_status ON kegs (status);

CREATE TABLE transactions (
    transaction_id uuid NOT NULL,
    guest_id uuid NOT NULL,
    amount numeric(10,2) NOT NULL,
    type varchar(20) NOT NULL,
    payment_method varchar(20),
    created_at timestamptz DEFAULT now(),
    CONSTRAINT transactions_pkey PRIMARY KEY (transaction_id),
    CONSTRAINT transactions_guest_id_fkey FOREIGN KEY (guest_id) REFERENCES guests (guest_id)
);
CREATE INDEX ix_transactions_guest_id ON transactions (guest_id);

CREATE TABLE taps (
    tap_id serial NOT NULL,
    keg_id uuid,
    display_name varchar(50) NOT NULL,
    status varchar(20) NOT NULL,
    last_cleaned_at timestamptz,
    CONSTRAINT taps_pkey PRIMARY KEY (tap_id),
    CONSTRAINT taps_display_name_key UNIQUE (display_name),
    CONSTRAINT taps_keg_id_key UNIQUE (keg_id),
    CONSTRAINT taps_keg_id_fkey FOREIGN KEY (keg_id) REFERENCES kegs (keg_id)
);
CREATE INDEX ix_taps_status ON taps (status);

CREATE TABLE pours (
    pour_id uuid NOT NULL,
    client_tx_id varchar(100) NOT NULL,
    guest_id uuid NOT NULL,
    card_uid varchar(50) NOT NULL,
    tap_id integer NOT NULL,
    keg_id uuid NOT NULL,
    volume_ml integer NOT NULL,
    amount_charged numeric(10,2) NOT NULL,
    price_per_ml_at_pour numeric(10,4) NOT NULL,
    poured_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT now(),
    CONSTRAINT pours_pkey PRIMARY KEY (pour_id),
    CONSTRAINT pours_card_uid_fkey FOREIGN KEY (card_uid) REFERENCES cards (card_uid),
    CONSTRAINT pours_guest_id_fkey FOREIGN KEY (guest_id) REFERENCES guests (guest_id),
    CONSTRAINT pours_keg_id_fkey FOREIGN KEY (keg_id) REFERENCES kegs (keg_id),
    CONSTRAINT pours_tap_id_fkey FOREIGN KEY (tap_id) REFERENCES taps (tap_id)
);
CREATE INDEX ix_pours_card_uid ON pours (card_uid);
CREATE UNIQUE INDEX ix_pours_client_tx_id ON pours (client_tx_id);
CREATE INDEX ix_pours_guest_id ON pours (guest_id);
CREATE INDEX ix_pours_keg_id ON pours (keg_id);

-- tapline: downgrade
DROP TABLE pours;
DROP TABLE taps;
DROP TABLE transactions;
DROP TABLE kegs;
DROP TABLE cards;
DROP TABLE system_states;
DROP TABLE guests;
DROP TABLE controllers;
DROP TABLE beverages;
DROP TABLE audit_logs;
